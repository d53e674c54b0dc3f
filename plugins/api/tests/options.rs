//! Options are checked against what a module says it takes.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use cenacle_plugin::{
    Descriptor, Family, MAX_TABLE_DEPTH, OptionError, OptionSpec, OptionType, Options, Properties,
    Value,
};
use std::collections::BTreeMap;
use std::time::Duration;

fn spec(name: &str, kind: OptionType, default: Value) -> OptionSpec {
    OptionSpec { name: name.to_owned(), help: "what it does".to_owned(), kind, default }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn specs() -> Vec<OptionSpec> {
    let words = ["fast", "slow"].map(str::to_owned).to_vec();
    vec![
        spec("strict", OptionType::Bool, Value::Bool(false)),
        spec("count", OptionType::Integer { min: 1, max: 9 }, Value::Integer(3)),
        spec("mode", OptionType::Choice(words), text("fast")),
        spec(
            "rekey_after",
            OptionType::Duration { min_ms: 1000, max_ms: 86_400_000, or_off: true },
            text("off"),
        ),
        spec("note", OptionType::Text { max_len: 4 }, text("")),
        spec("members", OptionType::List { max_items: 2, max_len: 3 }, Value::List(Vec::new())),
    ]
}

fn check(name: &str, value: Value) -> Result<Options, OptionError> {
    Options::check("mine", &specs(), &BTreeMap::from([(name.to_owned(), value)]))
}

#[test]
fn defaults_fill_what_is_not_given() {
    let options = check("count", Value::Integer(9)).unwrap();
    assert_eq!(options.integer("count"), Some(9));
    assert_eq!(options.bool("strict"), Some(false));
    assert_eq!(options.text("mode"), Some("fast"));
    assert_eq!(options.duration("rekey_after"), None);
    assert_eq!(options.list("members"), Some([].as_slice()));
    assert_eq!(options.integer("mode"), None, "of another type");
    assert_eq!(options.iter().count(), 6);
}

#[test]
fn durations_have_units() {
    for (given, milliseconds) in
        [("1s", 1000), ("1500ms", 1500), ("2m", 120_000), ("3h", 10_800_000), ("1d", 86_400_000)]
    {
        let options = check("rekey_after", text(given)).unwrap();
        assert_eq!(options.duration("rekey_after"), Some(Duration::from_millis(milliseconds)));
    }
    for bad in ["999ms", "2d", "1", "s", "-1s", "1 s", "1.5s", "99999999999999999999s", "1w", ""] {
        assert!(check("rekey_after", text(bad)).is_err(), "{bad:?}");
    }
}

#[test]
fn an_unknown_option_names_the_nearest() {
    let error = check("cuont", Value::Integer(1)).unwrap_err();
    let told = error.to_string();
    assert!(told.starts_with("mine has no option \"cuont\"; did you mean \"count\"?"), "{told}");
    let far = check("zzzzzzzz", Value::Integer(1)).unwrap_err().to_string();
    assert!(far.contains("it has strict, count, mode"), "{far}");
}

#[test]
fn a_value_out_of_bounds_names_them() {
    let cases = [
        ("count", Value::Integer(10), "a whole number from 1 to 9"),
        ("count", Value::Integer(i64::MIN), "a whole number from 1 to 9"),
        ("count", text("3"), "a whole number from 1 to 9"),
        ("strict", Value::Integer(1), "true or false"),
        ("mode", text("quick"), "one of fast, slow"),
        ("note", text("longer"), "text of at most 4 bytes"),
        ("members", Value::List(vec!["a".to_owned(); 3]), "a list of at most 2 texts"),
        ("members", Value::List(vec!["four".to_owned()]), "a list of at most 2 texts"),
    ];
    for (name, value, want) in cases {
        let told = check(name, value).unwrap_err().to_string();
        assert!(told.contains(&format!("{name:?}")) && told.contains(want), "{told}");
    }
    let long = check("note", text(&"x".repeat(100_000))).unwrap_err().to_string();
    assert!(long.len() < 300, "an error quotes no more than a few words");
}

#[test]
fn descriptors_are_checked() {
    let good = Descriptor {
        name: "mine".to_owned(),
        version: "1".to_owned(),
        summary: "a test".to_owned(),
        properties: Properties::Policy { admits_anyone: true },
        options: specs(),
    };
    assert_eq!(good.check(), Ok(()));
    let twice = [specs(), specs()].concat();
    let default = vec![spec("n", OptionType::Integer { min: 1, max: 2 }, Value::Integer(3))];
    for bad in [
        Descriptor { name: "Mine".to_owned(), ..good.clone() },
        Descriptor { name: String::new(), ..good.clone() },
        Descriptor { name: "x".repeat(41), ..good.clone() },
        Descriptor { name: "a\nb".to_owned(), ..good.clone() },
        Descriptor { version: String::new(), ..good.clone() },
        Descriptor { options: twice, ..good.clone() },
        Descriptor { options: default, ..good.clone() },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
}

#[test]
fn families_tell_who_must_act() {
    use cenacle_plugin::Error;
    assert_eq!(Error::WrongCall("x").family(), Family::WrongCall);
    assert_eq!(Error::DoesNotOpen.family(), Family::BadInput);
    assert_eq!(Error::Bug("x").family(), Family::OwnBug);
    assert_eq!(Error::BadMessage { from: 4, why: "x" }.culprit(), Some(4));
}

fn table(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

#[test]
fn tables_are_few_and_not_deep() {
    let specs = [spec("of", OptionType::Tables { max_items: 2 }, Value::List(Vec::new()))];
    let check = |value: Value| Options::check("m", &specs, &table(&[("of", value)]));
    let nest = |inner: Value| Value::Tables(vec![table(&[("x", inner)])]);
    let mut value = Value::Bool(true);
    for depth in 1..=MAX_TABLE_DEPTH {
        value = nest(value);
        let options = check(value.clone()).unwrap_or_else(|error| panic!("{depth}: {error}"));
        assert_eq!(options.tables("of").map(<[_]>::len), Some(1));
    }
    for bad in [
        nest(value),
        Value::Tables(Vec::new()),
        Value::Tables(vec![BTreeMap::new(); 3]),
        Value::List(vec!["a".to_owned()]),
        Value::Text("a".to_owned()),
    ] {
        let error = check(bad.clone()).expect_err("out of bounds").to_string();
        assert!(error.contains("a list of at most 2 tables"), "{bad}: {error}");
    }
    let none = Options::check("m", &specs, &BTreeMap::new()).expect("the default");
    assert_eq!(none.tables("of").map(<[_]>::len), Some(0), "not given");
}

#[test]
fn tables_are_shown_as_toml_has_them() {
    let value = Value::Tables(vec![table(&[("a", Value::Integer(1)), ("b", Value::Bool(true))])]);
    assert_eq!(value.to_string(), "[{ a = 1, b = true }]");
}
