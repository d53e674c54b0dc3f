//! Lines over group sizes, and bars.

use plotters::prelude::*;
use std::error::Error;
use std::path::Path;

const SIZE: (u32, u32) = (820, 460);
const TEXT: (&str, i32) = ("sans-serif", 15);
const TITLE: (&str, i32) = ("sans-serif", 19);

/// One module's figures, or a formula's.
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
    pub is_formula: bool,
}

/// The same module has the same colour in every picture.
fn colour(name: &str) -> RGBColor {
    let name = name.trim_start_matches("paper: ");
    match name {
        "basic" => RGBColor(31, 119, 180),
        "binary" => RGBColor(44, 160, 44),
        "binary/as-needed" => RGBColor(152, 190, 90),
        "dist" => RGBColor(214, 39, 40),
        "wgl" => RGBColor(148, 103, 189),
        "tgdh" => RGBColor(140, 86, 75),
        "gdh" => RGBColor(227, 119, 194),
        "str" => RGBColor(127, 127, 127),
        "bd" => RGBColor(188, 158, 34),
        _ => RGBColor(23, 190, 207),
    }
}

/// A number without the tail that binary fractions have.
fn short(number: &f64) -> String {
    format!("{}", (number * 1000.0).round() / 1000.0)
}

/// Draws lines over the size of the group; on a logarithmic scale, if there are great differences.
pub fn chart(
    path: &Path,
    title: &str,
    unit: &str,
    lines: &[Line],
    logarithmic: bool,
) -> Result<(), Box<dyn Error>> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let most_x = points().map(|(x, _)| *x).fold(1.0, f64::max);
    let most_y = points().map(|(_, y)| *y).fold(1.0, f64::max) * 1.1;
    // What is zero is drawn on the lowest line.
    let least = points().map(|(_, y)| *y).filter(|y| *y > 0.0).fold(1.0, f64::min);
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut builder = ChartBuilder::on(&root);
    builder
        .caption(title, TITLE.into_font())
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(64);
    macro_rules! draw {
        ($range:expr, $floor:expr) => {{
            let mut chart = builder.build_cartesian_2d(0.0..most_x * 1.36, $range)?;
            chart
                .configure_mesh()
                .x_desc("members")
                .x_label_formatter(&short)
                .y_label_formatter(&short)
                .y_desc(unit)
                .label_style(TEXT.into_font())
                .axis_desc_style(TEXT.into_font())
                .light_line_style(WHITE)
                .draw()?;
            for line in lines {
                let colour = colour(&line.name);
                let points = line.points.iter().map(|(x, y)| (*x, f64::max(*y, $floor)));
                let style = ShapeStyle::from(&colour).stroke_width(2);
                let drawn = if line.is_formula {
                    chart.draw_series(DashedLineSeries::new(points, 4, 5, style.stroke_width(1)))?
                } else {
                    chart.draw_series(LineSeries::new(points, style))?
                };
                let width = if line.is_formula { 1 } else { 3 };
                drawn.label(line.name.clone()).legend(move |(x, y)| {
                    PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(width))
                });
            }
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .background_style(WHITE.mix(0.8))
                .border_style(BLACK.mix(0.3))
                .label_font(TEXT.into_font())
                .draw()?;
        }};
    }
    if logarithmic {
        draw!((least * 0.8..most_y).log_scale(), least * 0.8);
    } else {
        draw!(0.0..most_y, 0.0);
    }
    root.present()?;
    Ok(())
}

/// Draws a group of six bars for each module: its windows after three members' failures and three
/// leaders'.
pub fn bars(path: &Path, modules: &[(String, Vec<f64>)]) -> Result<(), Box<dyn Error>> {
    let most = modules.iter().flat_map(|(_, windows)| windows).copied().fold(0.1, f64::max) * 1.3;
    let least = modules.iter().flat_map(|(_, windows)| windows).copied().fold(most, f64::min) * 0.7;
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let end = modules.len() as f64;
    let title = "45 members: three fail (light), then three leaders (dark)";
    let mut chart = ChartBuilder::on(&root)
        .caption(title, TITLE.into_font())
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..end, (least..most).log_scale())?;
    let name = |x: &f64| {
        let at = (*x - 0.5).round();
        let is_middle = (*x - 0.5 - at).abs() < 0.01;
        let found = modules.get(at as usize).filter(|_| is_middle && at >= 0.0);
        found.map(|(name, _)| name.replace("as-needed", "a-n")).unwrap_or_default()
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(2 * modules.len() + 1)
        .x_label_formatter(&name)
        .y_desc("vulnerability window, ms")
        .y_label_formatter(&short)
        .label_style(("sans-serif", 13).into_font())
        .axis_desc_style(TEXT.into_font())
        .light_line_style(WHITE)
        .draw()?;
    for (at, (name, windows)) in modules.iter().enumerate() {
        let colour = colour(name);
        let drawn = windows.iter().enumerate().map(|(failure, window)| {
            let left = at as f64 + 0.1 + failure as f64 * 0.13;
            let style = if failure < 3 { colour.mix(0.45) } else { colour.mix(1.0) };
            Rectangle::new([(left, least), (left + 0.11, *window)], style.filled())
        });
        chart.draw_series(drawn)?;
    }
    root.present()?;
    Ok(())
}
