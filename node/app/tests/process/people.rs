//! `cenacle join` for people.

use crate::company::{Company, Process};

#[test]
fn what_one_types_the_other_reads() {
    let company = Company::new();
    let first = company.start("n0", &[]);
    company.configure("n1", &[first.address()], "");
    let mut second = Process::start("n1", company.command("n1", &["join", "ops"]));
    first.await_view(2);
    second.write("good morning");
    second.write("{\"leave\":\"ops\"}");
    let message = first.await_message("good morning");
    assert_eq!(message["service"], "agreed");
    // No command here: a message like all others.
    first.await_message("{\"leave\":\"ops\"}");
    second.await_text("its own message", |lines| {
        let own = lines.iter().find(|line| line.contains(", you): good morning"));
        own.map(|line| assert!(line.starts_with("ops: ")))
    });
    second.await_text("who is there", |lines| {
        lines.iter().find(|line| line.starts_with("ops: 2 members: ")).map(drop)
    });
    second.await_text("the warning", |lines| {
        lines.iter().find(|line| line.contains("NOT ENCRYPTED")).map(drop)
    });
    second.end_input();
    assert!(second.await_exit().success(), "{}", second.errors());
    first.await_view(1);
    company.stop(first);
}
