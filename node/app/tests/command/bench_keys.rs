//! `cenacle bench keys`.

use crate::{cenacle, objects, succeeds};

/// Other at every run.
const TIMES: [&str; 9] = [
    "time_critical_us",
    "time_total_us",
    "view_setup_us",
    "newcomer_setup_us",
    "exponentiations_us",
    "products_us",
    "signatures_us",
    "other_us",
    "other_percent",
];

const NUMBERS: [&str; 20] = [
    "size",
    "rounds",
    "messages",
    "unicasts",
    "multicasts",
    "bytes",
    "exponentiations",
    "exponentiations_total",
    "signatures",
    "verifications",
    "own_share_exponentiations",
    "check_exponentiations",
    "confirmations",
    "channels",
    "channels_cached",
    "sealed",
    "acknowledgements",
    "acknowledgement_rounds",
    "acknowledgement_bytes",
    "repetitions",
];

#[test]
fn every_module_keeps_its_contract_and_every_field_is_there() {
    let rows = objects(&succeeds(
        "bench keys --sizes 1,2,4,7 --repetitions 2 --json --event build,join,merge,refresh",
    ));
    let modules = cenacle_builtin::agreements().len();
    assert_eq!(rows.len(), modules * 4 * 4);
    for row in &rows {
        for field in NUMBERS {
            assert!(row[field].is_u64(), "{field} of {row:?}");
        }
        for field in TIMES {
            assert!(row[field].is_u64() || field == "other_percent", "{field} of {row:?}");
        }
        let other = row["other_percent"].as_f64().unwrap();
        assert!(other > 0.0, "{row:?}");
        assert!(row["module"].is_string() && row["event"].is_string());
        assert_eq!(row["group"], "ristretto255");
        assert_eq!(row["broken"], serde_json::json!([]));
        let sum = row["unicasts"].as_u64().unwrap() + row["multicasts"].as_u64().unwrap();
        assert_eq!(row["messages"], sum);
        for field in ["rounds", "messages", "exponentiations", "signatures", "verifications"] {
            assert!(row["expected"][field].is_u64(), "{field} of {row:?}");
        }
        assert!(row["time_critical_us"].as_u64() <= row["time_total_us"].as_u64());
    }
}

#[test]
fn counts_are_the_formulas() {
    // Paper 004, Table 2: n + 3 each, four rounds; n = 6.
    let rows = objects(&succeeds("bench keys --module gdh --sizes 6 --event join --json"));
    let [row] = rows.as_slice() else { panic!("one row") };
    assert_eq!((&row["rounds"], &row["messages"]), (&4.into(), &9.into()));
    assert_eq!((&row["exponentiations"], &row["verifications"]), (&9.into(), &9.into()));
    assert_eq!((&row["signatures"], &row["confirmations"]), (&4.into(), &7.into()));
    assert_eq!((&row["bound"], &row["paper"]["rounds"]), (&"exactly".into(), &4.into()));
}

#[test]
fn channels_and_acknowledgements_have_columns_of_their_own() {
    let line = "bench keys --module basic,tgdh --sizes 9 --event join --repetitions 1";
    let rows = objects(&succeeds(&format!("{line} --json")));
    let [basic, tgdh] = rows.as_slice() else { panic!("two rows") };
    // Nine members below the leader: the newcomer's channel is new; each acknowledges once, six to
    // the leader, the others to one of those.
    let columns = ["channels", "channels_cached", "sealed", "acknowledgements"];
    assert_eq!(columns.map(|column| basic[column].as_u64().unwrap()), [1, 8, 9, 9]);
    assert_eq!(basic["acknowledgement_rounds"], 2);
    assert!(basic["acknowledgement_bytes"].as_u64() > Some(0));
    assert_eq!(basic["messages"], 9 + 2);
    assert_eq!(columns.map(|column| tgdh[column].as_u64().unwrap()), [0; 4]);
    let text = succeeds(line);
    let (_, tables) = text.split_once("basic, ristretto255").unwrap();
    let (basic, tgdh) = tables.split_once("tgdh, ristretto255").unwrap();
    assert!(basic.contains("acks") && basic.contains("9 in 2"), "{text}");
    assert!(!tgdh.contains("acks"), "{text}");
}

#[test]
fn counts_are_the_same_every_time() {
    let counts = || {
        let line = "bench keys --module tgdh --sizes 9 --event partition --repetitions 1 --json";
        let mut rows = objects(&succeeds(line));
        for field in TIMES {
            rows[0].remove(field).unwrap();
        }
        rows
    };
    assert_eq!(counts(), counts());
}

#[test]
fn groups_for_comparison_can_be_measured() {
    let line = "bench keys --module tgdh --sizes 2 --event join --group modp-512 --repetitions 1";
    let rows = objects(&succeeds(&format!("{line} --json")));
    assert_eq!(rows[0]["group"], "modp-512");
    assert!(succeeds(line).contains("tgdh, modp-512"));
}

#[test]
fn what_cannot_be_played_is_told_and_left_out() {
    let ran = cenacle("bench keys --module tgdh --sizes 1,2 --event leave --repetitions 1 --json");
    assert_eq!((ran.status, objects(&ran.out).len()), (0, 1));
    assert_eq!(ran.err, "cenacle: left out leave: 1 is too small a group\n");
}

#[test]
fn people_get_a_table() {
    let text =
        succeeds("bench keys --module gdh,tgdh --sizes 3 --event join,leave --repetitions 1");
    for word in [
        "gdh, ristretto255",
        "tgdh, ristretto255",
        "join",
        "leave",
        "critical ms",
        "other %",
        "Note",
    ] {
        assert!(text.contains(word), "{word} in\n{text}");
    }
    let (_, rows) = text.split_once("gdh, ristretto255").unwrap();
    assert!(!rows.contains(" !"), "a broken contract in\n{text}");
}
