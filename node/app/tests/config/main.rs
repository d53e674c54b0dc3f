//! The configuration: what is read, and what is said of what cannot be.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

mod example;
mod files;
mod golden;
mod hostile;
mod layers;

use cenacle::config::{Config, Problems};

/// Where the tests' files would be; nothing is there.
const BASE: &str = "/base";

/// The least that can be read.
const LEAST: &str = "[overlay]\nadmission = \"open\"\n";

fn parse(text: &str) -> Result<Config, Problems> {
    Config::parse(text, BASE)
}

/// The problems of a text that has some, one to a line.
fn told(text: &str) -> String {
    match parse(text) {
        Ok(_) => panic!("this was taken:\n{text}"),
        Err(problems) => problems.to_string().replace("/base/", ""),
    }
}
