//! Lines of any shape: what is no event of a trace is refused in words, and changes nothing.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

use cenacle_oracle::{CheckError, Options, Oracle, Property, Semantics, check};

fn refused(line: &str) -> String {
    let mut oracle = Oracle::new(Options::default());
    oracle.line("").unwrap();
    let error = oracle.line(line).unwrap_err();
    assert_eq!(error.line, 2, "{line}");
    assert_eq!(oracle.finish().events, 0);
    error.to_string()
}

#[test]
fn bad_lines_say_what_is_wrong() {
    let cases = [
        ("x", "expected value"),
        ("[]", "line 2 of the trace cannot be read"),
        ("{}", "missing field `time_us`"),
        (r#"{"time_us":1,"member":"a","event":"#, "EOF"),
        (r#"{"time_us":1,"event":"crash"}"#, "missing field `member`"),
        (r#"{"time_us":1,"member":"a"}"#, "missing field `event`"),
        (r#"{"time_us":-1,"member":"a","event":"crash"}"#, "invalid value"),
        (r#"{"time_us":1,"member":7,"event":"crash"}"#, "expected a string"),
        (r#"{"time_us":1,"member":"a","event":"leave"}"#, "needs the field `group`"),
        (r#"{"time_us":1,"member":"a","event":"leave","group":3}"#, "expected a string"),
        (
            r#"{"time_us":1,"member":"a","group":"g","event":"join","semantics":"sv"}"#,
            "`semantics` is \"vs\" or \"evs\", not \"sv\"",
        ),
        (
            r#"{"time_us":1,"member":"a","group":"g","event":"send","view":"1","service":"safe"}"#,
            "needs the field `message`",
        ),
        (
            r#"{"time_us":1,"member":"a","group":"g","event":"send","message":"a#1","service":"total"}"#,
            "unknown variant `total`",
        ),
        (
            r#"{"time_us":1,"member":"a","group":"g","event":"send","message":"a#1","service":"unicast"}"#,
            "needs the field `to`",
        ),
        (
            r#"{"time_us":1,"member":"a","group":"g","event":"message","message":"a#1","view":"1","service":"safe"}"#,
            "needs the field `from`",
        ),
        (
            r#"{"time_us":1,"member":"a","group":"g","event":"view","view":"1","members":["a"],"transitional":["a"]}"#,
            "needs the field `order`",
        ),
        (
            r#"{"time_us":1,"member":"a","group":"g","event":"view","view":"1","order":[1],"members":["a"],"transitional":["a"]}"#,
            "invalid length 1",
        ),
        (
            r#"{"time_us":1,"member":"a","group":"g","event":"view","view":"1","order":[1,2],"members":"a","transitional":["a"]}"#,
            "expected a sequence",
        ),
        (
            r#"{"time_us":1,"member":"a","group":"g","event":"transitional"}"#,
            "needs the field `view`",
        ),
    ];
    for (line, expected) in cases {
        let text = refused(line);
        assert!(text.contains(expected), "{line}\n{text}");
        assert!(text.len() < 600, "{text}");
    }
    let long =
        format!(r#"{{"time_us":1,"member":"a","event":"crash","service":"{}"}}"#, "é".repeat(5000));
    assert!(refused(&long).len() < 1000);
}

#[test]
fn lines_of_any_shape_do_no_harm() {
    let deep = format!(
        r#"{{"time_us":1,"member":"a","event":"status","depth":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let mut oracle = Oracle::new(Options::default());
    // Skipped without being looked at, or refused: either is well.
    let _ = oracle.line(&deep);
    let line = r#"{"time_us":1,"member":"a\u0041","group":"g","event":"view","view":"1","order":[1,1],"members":["aA"],"transitional":["a\u0041"]}"#;
    oracle.line(line).unwrap();
    for end in 1..line.len() {
        let _ = oracle.line(&line[..end]);
        for (from, to) in [("\"", "5"), ("[", "{"), ("1", "null"), ("a", "\u{0}")] {
            let (head, rest) = line.split_at(end);
            let _ = oracle.line(&format!("{head}{}", rest.replacen(from, to, 1)));
        }
    }
    let _ = oracle.finish();
}

#[test]
fn groups_have_one_semantics() {
    let join = |member, semantics| {
        format!(
            r#"{{"time_us":1,"member":"{member}","group":"g","event":"join","semantics":"{semantics}"}}"#
        )
    };
    let mut oracle = Oracle::new(Options::default());
    oracle.line(&join("a", "evs")).unwrap();
    let error = oracle.line(&join("b", "vs")).unwrap_err();
    assert!(error.problem.contains("group g is evs until here"), "{error}");

    let mut options = Options::default();
    options.semantics.insert("g".to_owned(), Semantics::Evs);
    let mut oracle = Oracle::new(options);
    assert!(oracle.line(&join("a", "vs")).is_err());
}

#[test]
fn long_lines_and_bytes_are_refused_before_they_are_read_whole() {
    let options = || Options { longest_line: 100, ..Options::default() };
    let endless = std::io::BufReader::new(std::io::Read::take(std::io::repeat(b'x'), u64::MAX));
    let Err(CheckError::Line(error)) = check(endless, options()) else { panic!("too long") };
    assert!(error.problem.contains("longer than 100 bytes"), "{error}");
    let halved = std::io::BufReader::new(std::io::repeat(0xc3));
    assert!(check(halved, options()).unwrap_err().to_string().contains("longer than"));
    let error = check(&b"\n\xff\n"[..], options()).unwrap_err();
    assert!(error.to_string().contains("line 2 of the trace cannot be read: not UTF-8"), "{error}");

    let line = r#"{"time_us":1,"member":"a","event":"start"}"#;
    for end in ["", "\n", "\r\n", "\n\n"] {
        let report = check(format!("{line}\n{line}{end}").as_bytes(), options()).unwrap();
        assert_eq!((report.events, report.members), (2, 1));
    }
}

#[test]
fn violations_beyond_the_limit_are_counted() {
    let mut oracle = Oracle::new(Options { explained: 3, ..Options::default() });
    for number in 0..50 {
        let line = format!(
            r#"{{"time_us":1,"member":"a","group":"g","event":"send","message":"a#{}","view":null,"service":"fifo"}}"#,
            number % 40
        );
        oracle.line(&line).unwrap();
    }
    let report = oracle.finish();
    assert_eq!(report.total, 50);
    assert_eq!(report.count(Property::SendingViewDelivery), 40);
    assert_eq!(report.count(Property::NoDuplication), 10);
    assert_eq!(report.violations.len(), 6);
}
