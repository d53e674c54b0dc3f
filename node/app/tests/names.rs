//! What members go by, between two nodes of one process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use cenacle::{Error, Event, Group, GroupOptions, Modules, Node, View};

async fn view_of(group: &mut Group, members: usize) -> View {
    let limit = std::time::Duration::from_secs(60);
    let view = async_std::future::timeout(limit, next_view(group, members)).await;
    view.unwrap_or_else(|_| panic!("no view of {members}"))
}

async fn next_view(group: &mut Group, members: usize) -> View {
    while let Some(event) = group.next().await {
        if let Event::View(view) = event
            && view.members.len() == members
        {
            return view;
        }
    }
    panic!("the group has ended");
}

#[test]
fn names_are_in_the_views_of_those_who_came_before_and_after() {
    async_std::task::block_on(names());
}

async fn names() {
    let ops = GroupOptions::insecure("ops").unwrap();
    let listen = || "/ip4/127.0.0.1/tcp/0".parse().unwrap();
    let ada = Node::builder().name("Ada").listen(listen()).group(ops.clone());
    let ada = ada.start().await.unwrap();
    let mut at_ada = ada.join("ops").await.unwrap();
    view_of(&mut at_ada, 1).await;
    let first = ada.listening().await.unwrap();
    let grace = Node::builder().name("Grace Hopper").listen(listen()).bootstrap(first.clone());
    let grace = grace.group(ops.clone()).start().await.unwrap();
    let mut at_grace = grace.join("ops").await.unwrap();
    for group in [&mut at_ada, &mut at_grace] {
        let view = view_of(group, 2).await;
        let own = |id| view.members.iter().find(|member| member.node == id);
        assert_eq!(own(ada.id()).map(|member| view.names[member].as_str()), Some("Ada"));
        assert_eq!(own(grace.id()).map(|member| view.names[member].as_str()), Some("Grace Hopper"));
        assert_eq!(view.modules, Modules::NONE);
    }
    let second = grace.listening().await.unwrap();
    let nobody = Node::builder().bootstrap(first).bootstrap(second).group(ops);
    let nobody = nobody.start().await.unwrap();
    let mut at_nobody = nobody.join("ops").await.unwrap();
    assert_eq!(view_of(&mut at_nobody, 3).await.names.len(), 2);
    ada.stop().await;
    let left = view_of(&mut at_grace, 2).await;
    assert_eq!(left.names.into_values().collect::<Vec<_>>(), ["Grace Hopper"]);
    nobody.stop().await;
    grace.stop().await;
}

#[test]
fn what_nobody_could_read_is_no_name() {
    for name in ["", "a\nb", &"x".repeat(65)] {
        let started = async_std::task::block_on(Node::builder().name(name).start());
        let refused = started.map(|_| ());
        assert!(matches!(refused, Err(Error::Name)), "{name:?}");
    }
}
