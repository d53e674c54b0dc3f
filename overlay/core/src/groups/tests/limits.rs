//! What the table and the leader keep has an end, the same at all nodes.

use super::*;

fn tight(net: &mut Net) {
    for node in &mut net.nodes {
        (node.settings.max_message, node.settings.max_blob) = (64 << 10, 8 << 10);
    }
}

/// A join to a group of its own.
fn large(number: usize) -> Join {
    let group = format!("g{number}").parse().unwrap();
    let charter = Bytes::from(vec![0; 6 << 10]);
    Join { group, charter, ..wish(Semantics::Vs) }
}

#[test]
fn a_full_table_refuses_joins_until_somebody_leaves() {
    let mut net = Net::new(2);
    tight(&mut net);
    for number in 0..3 {
        net.join(1, large(number));
        net.run();
    }
    assert_eq!(net.told(1).last().unwrap(), "1 refused limit");
    let weights = [0, 1].map(|n| net.nodes[n].groups.table.weight());
    assert_eq!(weights[0], weights[1]);
    assert!(weights[0] <= net.nodes[0].settings.budget());
    let (group, local) = (large(0).group, 1);
    with!(net, 1, node, below, todo, {
        node.groups.leave(below, &group, local, &mut node.out, todo).unwrap();
    });
    net.run();
    net.join(1, large(2));
    net.run();
    assert!(net.told(1).iter().any(|line| line.starts_with("1 view ")));
}

#[test]
fn a_merge_leaves_out_what_its_table_cannot_hold() {
    let mut net = Net::new(2);
    tight(&mut net);
    net.change(&[0], true);
    net.change(&[1], true);
    for number in 0..4 {
        net.join(number % 2, large(number));
        net.run();
    }
    net.forget();
    net.change(&[0, 1], false);
    net.run();
    let told = [net.told(0), net.told(1)].concat();
    let refused = told.iter().filter(|line| line.ends_with("refused limit")).count();
    assert_eq!(refused, 2, "{told:?}");
    let weights = [0, 1].map(|n| net.nodes[n].groups.table.weight());
    assert!(weights[0] == weights[1] && weights[0] <= net.nodes[0].settings.budget());
}

#[test]
fn joins_that_wait_at_the_leader_have_a_limit() {
    let mut net = Net::new(1);
    tight(&mut net);
    net.is_frozen = true;
    for number in 0..9 {
        net.join(0, large(number));
    }
    with!(net, 0, node, below, todo, {
        node.groups.settle(below, &mut node.figures, &mut node.out, todo);
    });
    let (kept, most) = net.nodes[0].groups.kept(&net.nodes[0].settings, 1);
    assert!(kept >= 12 << 10 && kept <= net.nodes[0].settings.budget() && kept < most);
    assert_eq!(net.nodes[0].figures.drops(Drop::Limit), 7);
    net.is_frozen = false;
    for _ in 0..9 {
        net.pass(Duration::from_millis(100));
    }
    let told = net.told(0);
    let of = |what: &str| told.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!((of("1 view"), of("1 refused limit")), (2, 7), "{told:?}");
    assert_eq!(net.nodes[0].groups.coordinator.bytes(), 0);
}

#[test]
fn blobs_of_one_view_have_a_limit() {
    let mut net = Net::new(3);
    tight(&mut net);
    (0..3).for_each(|n| net.join(n, manual()));
    net.run();
    net.join(0, Join { local: 2, ..manual() });
    net.run();
    let blob = |length: usize| Bytes::from(vec![7; length]);
    let say = |net: &mut Net, n: usize, length: usize| {
        with!(net, n, node, below, todo, {
            node.groups.flush_ok(below, &name(), 1, blob(length), todo)
        })
    };
    // Four members share 16 KiB.
    let refused = say(&mut net, 0, (4 << 10) + 1).unwrap_err();
    assert!(matches!(refused, crate::Error::TooMany { max: 4096, .. }), "{refused}");
    for n in 0..3 {
        say(&mut net, n, 4 << 10).unwrap();
    }
    net.run();
    let view = net.told(2).pop().unwrap();
    assert!(view.starts_with("1 view ") && view.len() > 12 << 10, "{}", view.len());
}

#[test]
fn a_view_comes_without_blobs_that_exceed_the_budget() {
    let mut coordinator = Coordinator::default();
    let mut settings = Settings::new(id(0), "test");
    (settings.max_message, settings.max_blob) = (64 << 10, 8 << 10);
    let answer = |round| crate::wire::control::Flushed {
        group: name(),
        round,
        view: None,
        locals: vec![1],
        running: Vec::new(),
        end: 0,
        blobs: vec![(1, Bytes::from(vec![7; 8 << 10]))],
    };
    let round = Order::default();
    for n in 0..3 {
        let taken = coordinator.ask(&settings, None, id(n), Ask::Flushed(answer(round)));
        assert_eq!(taken, if n < 2 { Ok(()) } else { Err(Drop::Limit) });
    }
    // The same again counts once.
    assert_eq!(coordinator.ask(&settings, None, id(0), Ask::Flushed(answer(round))), Ok(()));
    assert_eq!(coordinator.bytes(), 16 << 10);
    coordinator.view_delivered(&name());
    assert_eq!(coordinator.bytes(), 0);
}

#[test]
fn numbers_of_past_members_are_forgotten_and_never_used_again() {
    let mut net = Net::new(1);
    net.join(0, wish(Semantics::Vs));
    net.run();
    net.send(0, Service::Fifo, "one");
    net.run();
    let groups = &mut net.nodes[0].groups;
    for local in 2..100_000 {
        groups.next_number(local);
    }
    assert_eq!(groups.next_number(7), 2);
    assert_eq!(groups.next_number(100_000), 2, "above all that were forgotten");
    assert_eq!(groups.next_number(1), 2, "who is present counts on");
    assert!(groups.numbers.len() <= MAX_NUMBERS);
}
