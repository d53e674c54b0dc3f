//! `cenacle invite`: what it prints, and when it makes none.

use crate::{cenacle, objects, succeeds};
use std::fs;
use tempfile::TempDir;

/// A node of the overlay `lab` with a group by this policy; its configuration file and peer id.
fn node(policy: &str) -> (TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let identity = cenacle::Identity::generate().unwrap();
    identity.create(&folder.path().join("identity.key")).unwrap();
    let peer = identity.peer_id().to_string();
    let policy = policy.replace("ME", &peer);
    let text = format!(
        "[overlay]\nname = \"lab\"\nadmission = \"open\"\n[[group]]\nname = \"ops\"\n{policy}\n"
    );
    let file = folder.path().join("cenacle.toml");
    fs::write(&file, text).unwrap();
    (folder, file.display().to_string(), peer)
}

fn stranger() -> String {
    cenacle::Identity::generate().unwrap().peer_id().to_string()
}

const INVITATION: &str = "policy = \"invitation\"\n[group.options.policy]\nissuers = [\"ME\"]";

#[test]
fn an_invitation_is_one_line_that_says_what_was_asked_for() {
    let (_folder, file, peer) = node(INVITATION);
    let (bob, carol) = (stranger(), stranger());
    let text = succeeds(&format!("invite ops --for {bob} --config {file}"));
    assert_eq!(text.lines().count(), 1);
    let invitation = cenacle_builtin::Invitation::parse(text.trim_end()).unwrap();
    let draft = invitation.draft();
    assert_eq!((draft.overlay.as_str(), draft.group.as_str()), ("lab", "ops"));
    assert_eq!(draft.holders, [cenacle_builtin::peer_key(&bob).unwrap()]);
    let line = format!("invite ops --for {bob} --for {carol} --expires 1h --json --config {file}");
    let said = &objects(&succeeds(&line))[0];
    assert_eq!(said["issuer"], peer.as_str());
    assert_eq!(said["holders"], serde_json::json!([bob, carol]));
    assert_eq!((&said["overlay"], &said["group"]), (&"lab".into(), &"ops".into()));
    let invitation = said["invitation"].as_str().unwrap();
    let invitation = cenacle_builtin::Invitation::parse(invitation).unwrap();
    assert_eq!(invitation.draft().holders.len(), 2);
    assert_eq!(said["expires_s"], invitation.draft().expires_s);
    let ends = draft.expires_s - invitation.draft().expires_s;
    assert!((6 * 86_400..=7 * 86_400).contains(&ends), "seven days, and an hour: {ends}");
    // Every one is a place of its own.
    assert_ne!(text, succeeds(&format!("invite ops --for {bob} --config {file}")));
}

#[test]
fn none_is_made_that_nobody_would_take() {
    let bob = stranger();
    let other = format!("policy = \"invitation\"\n[group.options.policy]\nissuers = [\"{bob}\"]");
    let listed = format!(
        "policy = \"all-of\"\n[[group.options.policy.of]]\npolicy = \"allowlist\"\nmembers = \
         [\"{}\"]\n[[group.options.policy.of]]\npolicy = \"invitation\"\nissuers = [\"ME\"]",
        stranger()
    );
    let carol = stranger();
    for (policy, says) in [
        ("policy = \"open\"", "in without an invitation"),
        ("insecure = true", "is insecure"),
        (other.as_str(), "not among the group's issuers"),
        (listed.as_str(), "part 1, allowlist: peer"),
    ] {
        let (_folder, file, _) = node(policy);
        let ran = cenacle(&format!("invite ops --for {carol} --config {file}"));
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{}", ran.err);
        assert!(ran.err.contains(says) && ran.err.lines().count() == 1, "{says}: {}", ran.err);
    }
    let (folder, file, peer) = node(INVITATION);
    let ran = cenacle(&format!("invite ops --for {peer} --config {file}"));
    assert!(ran.status == 1 && ran.err.contains("without an invitation"), "{}", ran.err);
    let ran = cenacle(&format!("invite opps --for {carol} --config {file}"));
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("did you mean \"ops\"?"), "{}", ran.err);
    let ran = cenacle(&format!("invite ops --for {carol},{carol} --config {file}"));
    assert!(ran.status == 2 && ran.err.contains("twice"), "{}", ran.err);
    fs::remove_file(folder.path().join("identity.key")).unwrap();
    let ran = cenacle(&format!("invite ops --for {carol} --config {file}"));
    assert!(ran.status == 1 && ran.err.contains("no identity yet"), "{}", ran.err);
}

#[test]
fn a_policy_of_policies_may_ask_for_it() {
    let policy = "policy = \"any-of\"\n[[group.options.policy.of]]\npolicy = \"allowlist\"\n\
                  members = [\"ME\"]\n[[group.options.policy.of]]\npolicy = \"invitation\"\n\
                  issuers = [\"ME\"]";
    let (_folder, file, _) = node(policy);
    let text = succeeds(&format!("invite ops --for {} --config {file}", stranger()));
    assert!(text.starts_with("cenacle-invitation-1-"), "{text}");
}

#[test]
fn check_looks_at_the_evidence() {
    let (folder, file, _) = node(&format!("evidence_file = \"mine\"\n{INVITATION}"));
    let check = |says: &str| {
        let ran = cenacle(&format!("check --config {file}"));
        assert_eq!(ran.status, 1, "{}", ran.out);
        assert!(
            ran.out.contains("group[0].evidence_file: ") && ran.out.contains(says),
            "{}",
            ran.out
        );
        assert!(ran.out.starts_with(&format!("{file}:6:")), "{}", ran.out);
    };
    check("there is no file");
    let mine = folder.path().join("mine");
    fs::write(&mine, " \n").unwrap();
    check("is empty");
    fs::write(&mine, "x".repeat(4097)).unwrap();
    check("more than 4096 bytes");
    fs::write(&mine, "an invitation\n").unwrap();
    succeeds(&format!("check --config {file}"));
    // The thing itself in the place of its file is not repeated.
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"mine\"", "\"cenacle-invitation-1-abc\"")).unwrap();
    check("this is the invitation, not the name of its file");
    assert!(!cenacle(&format!("check --config {file}")).out.contains("-abc"));
}
