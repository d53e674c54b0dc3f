//! Groups that are joined by invitation, from the command that makes it to the refusal of a used one.

use crate::company::{Company, Event, Process};
use serde_json::json;
use std::process::Stdio;
use std::time::Duration;

/// Nodes whose groups are joined by invitation of `alice`, who is there.
struct Party {
    company: Company,
    alice: Process,
    policy: String,
}

impl Party {
    /// `policy` are the keys of the group, with the peer id of alice for `ALICE`.
    fn new(policy: &str) -> Self {
        let mut company = Company::new();
        let peer = company.identity("alice");
        let policy = policy.replace("ALICE", &peer);
        company.keys = policy.clone();
        let alice = company.start("alice", &[]);
        alice.await_view(1);
        Self { company, alice, policy }
    }

    fn by_invitation() -> Self {
        Self::new("policy = \"invitation\"\n[group.options.policy]\nissuers = [\"ALICE\"]\n")
    }

    /// What `cenacle invite` prints at alice's.
    fn invite(&self, words: &[&str]) -> String {
        let words = [&["invite", "ops"], words].concat();
        let output = self.company.command("alice", &words).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a node that shows this.
    fn start(&mut self, name: &str, shown: Option<&str>) -> Process {
        self.company.keys = match shown {
            Some(invitation) => {
                self.company.write(&format!("{name}.invitation"), invitation);
                format!("evidence_file = \"{name}.invitation\"\n{}", self.policy)
            }
            None => self.policy.clone(),
        };
        self.company.start(name, &[self.alice.address()])
    }
}

/// Waits until the process is refused; the reason and the sentence.
fn refusal(process: &Process) -> (String, String) {
    let refused = process.await_event("refusal", |event: &Event| event["event"] == "refused");
    let text = |field: &str| refused[field].as_str().unwrap().to_owned();
    (text("reason"), text("detail"))
}

/// Ends a process that is in no group any more.
fn end(mut process: Process) {
    process.end_input();
    process.await_exit();
}

#[test]
fn who_is_invited_gets_in_once_and_others_do_not() {
    let mut party = Party::by_invitation();
    let (bob, carol) = (party.company.identity("bob"), party.company.identity("carol"));
    let invitation = party.invite(&["--for", &bob, "--for", &carol]);

    let uninvited = party.start("carol", None);
    let (reason, detail) = refusal(&uninvited);
    assert_eq!(reason, "invitation-missing");
    assert!(detail.contains(&format!("--for {carol}")), "{detail}");
    end(uninvited);

    let mut bob = party.start("bob", Some(&invitation));
    bob.await_view(2);
    party.alice.await_view(2);
    bob.send("thank you", "agreed");
    party.alice.await_message("thank you");

    // It is alone at first, makes the group there, and is put out when the parts merge.
    let mut late = party.start("carol", Some(&invitation));
    let (reason, detail) = refusal(&late);
    assert!(["used-before", "invitation-used"].contains(&reason.as_str()), "{reason}: {detail}");
    // Now it asks the members.
    late.tell(&json!({"join": "ops"}));
    let again = |event: &Event| event["event"] == "refused" && event["reason"] == "invitation-used";
    let refused = late.await_event("refusal by the members", again);
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("used by peer 12D3KooW"), "{detail}");
    bob.send("still here", "agreed");
    party.alice.await_message("still here");
    for process in [&late, &party.alice, &bob] {
        assert!(!process.errors().contains("cenacle-invitation"), "{}", process.errors());
    }
    end(late);

    // Its holder may come again, after a stop and after a crash.
    party.company.stop(bob);
    party.alice.await_view(1);
    let bob = party.start("bob", Some(&invitation));
    bob.await_view(2);
    party.company.kill(bob);
    party.alice.await_view(1);
    let bob = party.start("bob", Some(&invitation));
    bob.await_view(2);
    party.company.stop(bob);
    party.company.stop(party.alice);
    party.company.judge();
}

#[test]
fn an_expired_invitation_and_that_of_another_are_refused() {
    let mut party = Party::by_invitation();
    let (bob, carol) = (party.company.identity("bob"), party.company.identity("carol"));
    let short = party.invite(&["--for", &bob, "--expires", "1s"]);
    std::thread::sleep(Duration::from_millis(2_100));
    let late = party.start("bob", Some(&short));
    let (reason, detail) = refusal(&late);
    assert_eq!(reason, "invitation-expired", "{detail}");
    end(late);
    let bobs = party.invite(&["--for", &bob]);
    let thief = party.start("carol", Some(&bobs));
    let (reason, detail) = refusal(&thief);
    assert_eq!(reason, "invitation-other-holder");
    assert!(detail.contains(&carol), "{detail}");
    end(thief);
    let bob = party.start("bob", Some(&format!("{short}{bobs}")));
    bob.await_view(2);
    party.company.stop(bob);
    party.company.stop(party.alice);
    party.company.judge();
}

#[test]
fn a_list_or_an_invitation_lets_in_and_a_refusal_tells_of_both() {
    let mut party = Party::new(
        "policy = \"any-of\"\n\
         [[group.options.policy.of]]\npolicy = \"allowlist\"\nmembers = [\"ALICE\"]\n\
         [[group.options.policy.of]]\npolicy = \"invitation\"\nissuers = [\"ALICE\"]\n",
    );
    let (bob, carol) = (party.company.identity("bob"), party.company.identity("carol"));
    let invitation = party.invite(&["--for", &bob]);
    let bob = party.start("bob", Some(&invitation));
    bob.await_view(2);
    let stranger = party.start("carol", None);
    let (reason, detail) = refusal(&stranger);
    assert_eq!(reason, "no-part-allows");
    let both = ["part 1, allowlist: ", "part 2, invitation: "];
    assert!(both.iter().all(|part| detail.contains(part)), "{detail}");
    assert!(detail.contains(&carol), "{detail}");
    end(stranger);
    party.company.stop(bob);
    party.company.stop(party.alice);
    party.company.judge();
}
