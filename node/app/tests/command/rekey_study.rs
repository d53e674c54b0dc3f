//! `cenacle bench rekey-study`.

use crate::{objects, succeeds};
use serde_json::{Map, Value};

type Row = Map<String, Value>;

const FIGURES: [&str; 12] = [
    "load",
    "latency",
    "own_shares",
    "channels",
    "rounds",
    "messages",
    "bytes",
    "multicast_bytes",
    "acknowledgements",
    "acknowledgement_rounds",
    "critical_us",
    "total_us",
];

fn of<'r>(rows: &'r [Row], module: &str, scenario: &str, cache: &str) -> &'r Row {
    let is = |row: &&Row| {
        row["module"] == module && row["scenario"] == scenario && row["cache"] == cache
    };
    rows.iter().find(is).expect("a row")
}

#[test]
fn every_module_and_story_is_there_with_every_field() {
    let rows = objects(&succeeds("bench rekey-study --sizes 5 --samples 3 --no-window --json"));
    // Five contributory ways in three stories, five that keep channels in five.
    assert_eq!(rows.len(), 5 * 3 + 5 * 5);
    for row in &rows {
        assert_eq!((&row["study"], &row["size"]), (&"costs".into(), &5.into()));
        for figure in FIGURES {
            assert!(row[figure]["mean"].is_f64() && row[figure]["worst"].is_u64(), "{figure}");
            let (mean, worst) = (row[figure]["mean"].as_f64(), row[figure]["worst"].as_f64());
            assert!(mean.unwrap() <= worst.unwrap() + 0.05, "{figure} in {row:?}");
        }
        assert!(row["critical_us"]["worst"].as_u64() <= row["total_us"]["worst"].as_u64());
    }
}

/// Paper 000, section 5: in the good case two exponentiations, one after the other here; all
/// channels anew when the leader is replaced; the mean lies near the good case.
#[test]
fn the_figures_are_the_papers_where_the_protocol_is() {
    let line = "bench rekey-study --module basic,binary,dist --sizes 16 --samples 16 --no-window";
    let rows = objects(&succeeds(&format!("{line} --json")));
    for module in ["basic", "binary", "binary/as-needed", "dist"] {
        assert_eq!(of(&rows, module, "all-one", "cold")["load"]["worst"], 2 * 15, "{module}");
    }
    assert_eq!(of(&rows, "basic", "all-one", "cold")["latency"]["worst"], 15);
    assert_eq!(of(&rows, "dist", "all-one", "cold")["latency"]["worst"], 4);
    let warm = of(&rows, "basic", "join-leave", "warm");
    assert_eq!(warm["load"]["worst"], 2 * 15);
    // Fifteen of sixteen times the newcomer's channel, once all.
    assert_eq!(warm["load"]["mean"], 3.8);
    assert_eq!(warm["latency"]["mean"], 1.9);
    assert_eq!(of(&rows, "basic", "join-leave", "cold")["load"]["mean"], 30.0);
    let dist = of(&rows, "dist", "leader-dies", "warm")["load"]["worst"].as_u64().unwrap();
    let basic = of(&rows, "basic", "leader-dies", "warm")["load"]["worst"].as_u64().unwrap();
    assert_eq!(basic, 2 * 14);
    assert!(dist <= 2 * 5, "{dist}");
}

#[test]
fn figure_5_has_six_failures() {
    let rows = objects(&succeeds("bench rekey-study --module basic,dist --sizes 4 --json"));
    let windows: Vec<&Row> = rows.iter().filter(|row| row["study"] == "window").collect();
    assert_eq!(windows.len(), 12);
    for (index, window) in windows.iter().enumerate() {
        let failure = index % 6;
        assert_eq!(window["failure"], failure + 1);
        assert_eq!(window["size"], 45 - failure);
        assert_eq!(window["who"], if failure < 3 { "member" } else { "leader" });
        let reckoned = 80 + 40 * window["latency"].as_u64().unwrap();
        assert_eq!(window["paper_ms"], reckoned);
        assert!(window["window_us"].as_u64().unwrap() > 0);
    }
    // A leave costs basic nothing while its leader is there, and all channels when it is not.
    let latency = |at: usize| windows[at]["latency"].as_u64().unwrap();
    assert_eq!((latency(0), latency(3)), (0, 40));
    assert!(latency(9) <= 6, "{}", latency(9));
}

#[test]
fn people_get_tables() {
    let text = succeeds("bench rekey-study --module dist,tgdh --sizes 4");
    for word in ["dist, ristretto255", "tgdh, ristretto255", "join-leave", "warm", "leader 3"] {
        assert!(text.contains(word), "{word} in\n{text}");
    }
}

#[test]
fn counts_are_the_same_every_time() {
    let counts = || {
        let line = "bench rekey-study --module dist --sizes 9 --no-window --json";
        let mut rows = objects(&succeeds(line));
        for row in &mut rows {
            row.remove("critical_us").unwrap();
            row.remove("total_us").unwrap();
        }
        rows
    };
    assert_eq!(counts(), counts());
}
