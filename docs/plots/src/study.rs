//! The study's lines, read.

use serde_json::Value;
use std::error::Error;

/// All lines.
pub struct Study(Vec<Value>);

impl Study {
    /// One JSON object a line.
    pub fn read(text: &str) -> Result<Self, Box<dyn Error>> {
        let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
        Ok(Self(lines))
    }

    /// The sizes that were played.
    pub fn sizes(&self) -> Vec<f64> {
        let costs = self.0.iter().filter(|line| line["study"] == "costs");
        let mut sizes: Vec<u64> = costs.filter_map(|line| line["size"].as_u64()).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes.into_iter().map(|size| size as f64).collect()
    }

    /// A figure such as `load.mean` against the size.
    pub fn points(
        &self,
        module: &str,
        scenario: &str,
        cache: &str,
        figure: &str,
    ) -> Vec<(f64, f64)> {
        let (column, part) = figure.split_once('.').unwrap_or((figure, "mean"));
        let is = |line: &&Value| {
            line["study"] == "costs"
                && line["module"] == module
                && line["scenario"] == scenario
                && line["cache"] == cache
        };
        let point = |line: &Value| Some((line["size"].as_f64()?, line[column][part].as_f64()?));
        self.0.iter().filter(is).filter_map(point).collect()
    }

    /// The windows of a module after each failure, in milliseconds.
    pub fn windows(&self, module: &str) -> Vec<f64> {
        let is = |line: &&Value| line["study"] == "window" && line["module"] == module;
        let ms = |line: &Value| line["window_us"].as_f64().map(|us| us / 1000.0);
        self.0.iter().filter(is).filter_map(ms).collect()
    }
}
