//! Where the lines of a trace go: a file, an oracle, memory; any of them, or none.

use cenacle_oracle::{Oracle, Report};
use std::{
    fs::File,
    io::{BufWriter, Write},
};

/// Takes lines, block by block.
pub(crate) struct Sinks {
    file: Option<BufWriter<File>>,
    oracle: Option<Oracle>,
    memory: Option<String>,
    /// The first thing that went wrong.
    fault: Option<String>,
    lines: u64,
    digest: u64,
}

impl Default for Sinks {
    fn default() -> Self {
        Self {
            file: None,
            oracle: None,
            memory: None,
            fault: None,
            lines: 0,
            digest: 0xcbf2_9ce4_8422_2325,
        }
    }
}

impl Sinks {
    pub(crate) fn add_file(&mut self, file: File) {
        self.file = Some(BufWriter::with_capacity(1 << 20, file));
    }

    pub(crate) fn add_oracle(&mut self, oracle: Oracle) {
        self.oracle = Some(oracle);
    }

    pub(crate) fn add_memory(&mut self) {
        self.memory = Some(String::new());
    }

    /// Takes whole lines, each with its end.
    pub(crate) fn take(&mut self, lines: &str) {
        for line in lines.lines() {
            self.lines += 1;
            self.digest = digest(self.digest, line.as_bytes());
            if let Some(oracle) = &mut self.oracle
                && let Err(bad) = oracle.line(line)
            {
                self.fault.get_or_insert_with(|| bad.to_string());
            }
        }
        if let Some(memory) = &mut self.memory {
            memory.push_str(lines);
        }
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(lines.as_bytes())
        {
            self.fault.get_or_insert_with(|| format!("writing the trace failed: {error}"));
        }
    }

    /// What was kept.
    pub(crate) fn text(&self) -> &str {
        self.memory.as_deref().unwrap_or_default()
    }

    /// How many lines, and a number that differs where traces differ (FNV-1a, eight bytes a step).
    pub(crate) fn digest(&self) -> (u64, u64) {
        (self.lines, self.digest)
    }

    /// The verdict, if there is an oracle; or what went wrong.
    pub(crate) fn finish(&mut self) -> Result<Option<Report>, String> {
        if let Some(mut file) = self.file.take()
            && let Err(error) = file.flush()
        {
            self.fault.get_or_insert(format!("writing the trace failed: {error}"));
        }
        let report = self.oracle.take().map(Oracle::finish);
        self.fault.take().map_or(Ok(report), Err)
    }
}

fn digest(mut digest: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        digest = (digest ^ u64::from_le_bytes(*word)).wrapping_mul(0x0000_0100_0000_01b3);
        digest ^= digest >> 29;
    }
    rest.iter().fold(digest, |digest, byte| {
        (digest ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
