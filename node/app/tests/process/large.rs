//! The largest message.

use crate::company::{Company, is, text};
use serde_json::json;

#[test]
fn sixty_four_mebibytes_arrive_whole() {
    let company = Company::new();
    let mut nodes = company.start_several(3);
    nodes.iter().for_each(|node| _ = node.await_view(3));
    // Not all the same, so that pieces in a wrong order would show.
    let largest: String = (0..(64 << 20) / 8).map(|number| format!("{number:08x}")).collect();
    assert_eq!(largest.len(), 64 << 20);
    nodes[1].send(&largest, "agreed");
    nodes[1].send("behind it", "agreed");
    for node in &nodes {
        let found = node.await_text("the message", |lines| {
            let large = lines.iter().find(|line| line.len() > largest.len());
            large.map(|line| line.contains(&largest))
        });
        assert!(found);
        node.await_text("the one behind it", |lines| {
            lines.iter().any(|line| line.contains("behind it")).then_some(())
        });
    }
    let mut too_large = largest;
    too_large.push('x');
    nodes[0].tell(&json!({"send": {"group": "ops", "text": too_large}, "id": 1}));
    nodes[0].await_text("refusal", |lines| {
        let refused = lines.iter().find(|line| line.contains("\"event\":\"refused\""))?;
        let refused = serde_json::from_str(refused).unwrap();
        assert!(is(&refused, "refused") && refused["id"] == 1);
        assert_eq!(text(&refused, "reason"), "too_large");
        Some(())
    });
    for node in nodes {
        company.stop(node);
    }
    company.judge();
}
