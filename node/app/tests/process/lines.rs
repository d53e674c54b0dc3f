//! What goes in and comes out: bad lines, refusals, ends.

use crate::company::{Company, PATIENCE, Process, is, text};
use serde_json::json;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn a_bad_line_is_told_and_changes_nothing() {
    let company = Company::new();
    let mut node = company.start("n0", &[]);
    node.await_view(1);
    for (line, says) in [
        ("hello", "not JSON"),
        (r#"{"sned":{}}"#, "did you mean \"send\"?"),
        (r#"{"join":"ops","leave":"ops"}"#, "one command"),
        ("\u{fffd}\\", "not JSON"),
    ] {
        node.write(line);
        node.await_event(says, |event| {
            is(event, "warning")
                && event["reason"] == "bad_line"
                && text(event, "detail").contains(says)
        });
    }
    for (command, reason) in [
        (json!({"join": "ops", "id": 1}), "joined"),
        (json!({"join": "nowhere", "id": 2}), "unknown_group"),
        (json!({"send": {"group": "dev", "text": "x"}, "id": 3}), "not_joined"),
        (json!({"send": {"group": "ops", "text": "x", "to": "nobody"}, "id": 4}), "not_in_view"),
        (json!({"flush_ok": "ops", "id": 5}), "no_flush_request"),
        (json!({"refresh": "ops", "id": 6}), "no_keys"),
        (json!({"leave": "dev", "id": 7}), "not_joined"),
    ] {
        node.tell(&command);
        let refused = node.await_event("refusal", |event| {
            is(event, "refused") && event.get("id") == command.get("id")
        });
        assert_eq!(text(&refused, "reason"), reason, "{command}");
        // Who reads the lines of one group finds it there, though it is no line of a member.
        let named = ["join", "leave", "flush_ok", "refresh"].map(|word| command[word].as_str());
        let group = named.into_iter().flatten().next().or(command["send"]["group"].as_str());
        assert_eq!(refused["group"].as_str(), group, "{refused:?}");
    }
    node.send("still here", "agreed");
    node.await_message("still here");
    company.stop(node);
    company.judge();
}

#[test]
fn the_status_tells_of_configuration_and_peers() {
    let company = Company::new();
    let mut nodes = company.start_several(2);
    nodes.iter().for_each(|node| _ = node.await_view(2));
    nodes[0].tell(&json!({"status": {}, "id": "s"}));
    let status = nodes[0].await_event("status", |event| is(event, "status"));
    nodes[0].await_event("done", |event| is(event, "done") && event["id"] == "s");
    assert_eq!(status["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(status["groups"][0]["name"], "ops");
    assert_eq!(status["groups"][0]["state"], "insecure");
    let peers = status["peers"].as_array().unwrap();
    assert!(peers.iter().any(|peer| peer["member"] == true && peer["path"] == "tcp"), "{peers:?}");
    for node in nodes {
        company.stop(node);
    }
    company.judge();
}

#[test]
fn what_was_sent_before_the_end_of_the_input_arrives() {
    let company = Company::new();
    let mut nodes = company.start_several(2);
    nodes.iter().for_each(|node| _ = node.await_view(2));
    for number in 0..500 {
        nodes[1].send(&format!("word {number}"), "agreed");
    }
    company.stop(nodes.pop().unwrap());
    let first = nodes.pop().unwrap();
    first.await_message("word 499");
    first.await_view(1);
    company.stop(first);
    company.judge();
}

#[cfg(unix)]
#[test]
fn signals_leave_cleanly() {
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let company = Company::new();
        let mut nodes = company.start_several(2);
        nodes.iter().for_each(|node| _ = node.await_view(2));
        let mut second = nodes.pop().unwrap();
        let id = i32::try_from(second.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.unwrap(), signal).unwrap();
        assert!(second.await_exit().success(), "{}", second.errors());
        second.await_event("leave", |event| is(event, "leave"));
        company.keep(&second);
        let first = nodes.pop().unwrap();
        first.await_view(1);
        company.stop(first);
        company.judge();
    }
}

#[test]
fn a_second_process_of_the_same_node_is_refused() {
    let company = Company::new();
    let first = company.start("n0", &[]);
    first.await_view(1);
    let mut second = Process::start("second", company.command("n0", &["run", "--json"]));
    assert_eq!(second.await_exit().code(), Some(1));
    assert!(
        second.errors().contains("another process uses the state folder"),
        "{}",
        second.errors()
    );
    company.stop(first);
}

#[test]
fn bad_use_has_status_two_and_one_sentence() {
    let company = Company::new();
    company.configure("n0", &[], "");
    for (words, says) in [
        (&["join", "opps"][..], "did you mean \"ops\"?"),
        (&["run", "--jsn"][..], "'--json'"),
        (&["join"][..], "GROUP"),
    ] {
        let mut command = company.command("n0", words);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
        assert!(said.contains(says) && said.lines().count() == 1, "{said}");
    }
    let mut missing = company.command("nobody", &["run"]);
    let output = missing.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nobody.toml"));
}

#[test]
fn other_settings_of_a_group_are_refused_with_the_reason() {
    let mut company = Company::new();
    let first = company.start("n0", &[]);
    first.await_view(1);
    company.group = "semantics = \"evs\"".to_owned();
    let second = company.start("n1", &[first.address()]);
    // Both were in groups of their own: which of them stands, the engine decides.
    let nodes = [first, second];
    let until = Instant::now() + PATIENCE;
    loop {
        let events = nodes.iter().flat_map(Process::events);
        if let Some(refused) = events.into_iter().find(|event| is(event, "refused")) {
            let reason = text(&refused, "reason");
            assert!(["charter", "semantics"].contains(&reason), "{refused:?}");
            return;
        }
        assert!(Instant::now() < until, "nobody is refused");
        std::thread::sleep(Duration::from_millis(50));
    }
}
