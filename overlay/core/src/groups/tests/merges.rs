//! Tables of several classes.

use super::*;
use Semantics::Vs;

/// Two sides of two nodes each, with a view of their own.
fn parted(charters: [&'static str; 2]) -> Net {
    let mut net = Net::new(5);
    net.change(&[0, 1, 4], true);
    net.change(&[2, 3], true);
    for n in 0..5 {
        let charter = Bytes::from_static(charters[usize::from(n == 2 || n == 3)].as_bytes());
        net.join(n, Join { charter, ..wish(Vs) });
    }
    net.run();
    net.forget();
    net
}

#[test]
fn tables_of_two_classes_become_one_and_classes_stay_apart() {
    let mut net = parted(["", ""]);
    net.change(&[0, 1, 2, 3, 4], false);
    assert!(!net.nodes[3].groups.is_whole());
    let base = net.nodes[3].groups.base();
    net.run();
    assert_eq!(net.nodes[3].groups.base(), net.nodes[3].configuration.id);
    assert_ne!(net.nodes[3].groups.base(), base);
    let told = ["1 transitional 4.3", "1 flush 4.3", "1 view 5.3 a1,b1,e1,c1,d1 from c1,d1"];
    assert_eq!(net.told(3), told);
    assert_eq!(net.told(4)[2], "1 view 5.3 a1,b1,e1,c1,d1 from a1,b1,e1");
    let tables: Vec<_> = net.nodes.iter().map(|n| &n.groups.table.groups).collect();
    assert!(tables.iter().all(|table| *table == tables[0]));
}

#[test]
fn the_smaller_class_of_another_charter_is_refused() {
    let mut net = parted(["large", "small"]);
    net.change(&[0, 1, 2, 3, 4], false);
    net.run();
    let told = ["1 transitional 4.3", "1 flush 4.3", "1 refused charter"];
    assert_eq!(net.told(2), told);
    assert_eq!(net.told(0)[2], "1 view 5.3 a1,b1,e1 from a1,b1,e1");
}

/// Puts members of the second part out, and keeps all records.
struct Strict;

impl Admission for Strict {
    fn verdict(
        &self,
        _: &crate::Candidate<'_>,
        standing: &crate::Standing<'_>,
    ) -> Result<Option<Bytes>, crate::Refusal> {
        Ok(Some([standing.record.as_ref(), b"+"].concat().into()))
    }

    fn merge(&self, _: &GroupName, charter: &Bytes, parts: &[crate::Part<'_>]) -> crate::Merged {
        assert_eq!(charter.as_ref(), b"same");
        let records: Vec<&[u8]> = parts.iter().map(|part| part.record.as_ref()).collect();
        let why = |detail: &str| crate::Refusal {
            code: "late".into(),
            detail: detail.into(),
            charter: None,
        };
        let refused = parts[1..].iter().flat_map(|part| part.members.iter().skip(1));
        let refused = refused.map(|member| (*member, why("come later"))).collect();
        crate::Merged { record: records.join(&b"|"[..]).into(), refused }
    }
}

#[test]
fn the_layer_above_may_put_members_out_when_tables_merge() {
    let mut net = Net::new(5);
    net.nodes.iter_mut().for_each(|node| node.groups.admission = Box::new(Strict));
    net.change(&[0, 1, 4], true);
    net.change(&[2, 3], true);
    for n in 0..5 {
        net.join(n, Join { charter: Bytes::from_static(b"same"), ..wish(Vs) });
    }
    net.run();
    net.forget();
    net.change(&[0, 1, 2, 3, 4], false);
    net.run();
    assert_eq!(net.told(3), ["1 transitional 4.3", "1 flush 4.3", "1 refused late"]);
    assert_eq!(net.told(0)[2], "1 view 5.3 a1,b1,e1,c1 from a1,b1,e1");
    let tables: Vec<_> = net.nodes.iter().map(|n| &n.groups.table.groups).collect();
    assert!(tables.iter().all(|table| *table == tables[0]));
    assert_eq!(tables[0][&name()].record.as_ref(), b"+++|++");
}

#[test]
fn joins_among_the_tables_come_after_the_last() {
    let mut net = parted(["", ""]);
    net.change(&[0, 1, 2, 3, 4], false);
    net.join(0, Join { local: 2, ..wish(Vs) });
    // Both tables are on their way; the join overtakes the second.
    with!(net, 0, node, below, todo, {
        node.groups.settle(below, &mut node.figures, &mut node.out, todo);
    });
    let join = net.entries.pop_back().unwrap();
    assert!(matches!(join.3, ControlEntry::Join { .. }));
    net.entries.insert(1, join);
    net.run();
    assert!((0..5).all(|n| net.rare(n, Rare::Deferred) == 1));
    assert_eq!(net.told(2)[2], "1 view 5.4 a1,b1,e1,c1,d1,a2 from c1,d1");
}

#[test]
fn a_configuration_that_ends_among_the_tables_leaves_them_alone() {
    let mut net = parted(["", ""]);
    let base = net.nodes[2].groups.base();
    net.change(&[0, 1, 2, 3, 4], false);
    net.entries.clear();
    net.change(&[0, 2, 3], false);
    assert_eq!(net.rare(2, Rare::TablesCutShort), 1);
    assert_eq!(net.nodes[2].groups.base(), base);
    net.run();
    assert_eq!(net.told(2).last().unwrap(), "1 view 6.3 c1,d1,a1 from c1,d1");
    assert_eq!(net.told(0).last().unwrap(), "1 view 6.3 c1,d1,a1 from a1");
}

#[test]
fn tables_after_the_signal_do_not_count() {
    // Others may have applied joins with them that are missing in the streams here.
    let mut net = parted(["", ""]);
    let base = net.nodes[2].groups.base();
    net.change(&[0, 1, 2, 3, 4], false);
    assert!(!net.entries.is_empty(), "the tables are on their way");
    net.change(&[0, 2, 3], false);
    assert_eq!(net.nodes[2].groups.base(), base);
    assert_eq!(net.rare(2, Rare::TablesCutShort), 1);
}

#[test]
fn who_was_cut_off_and_comes_back_does_not_get_the_rest_of_the_old_view() {
    let mut net = Net::new(3);
    (0..3).for_each(|n| net.join(n, manual()));
    net.run();
    net.change(&[0, 1], true);
    net.change(&[2], true);
    net.run();
    net.change(&[0, 1, 2], false);
    net.run();
    net.forget();
    net.send(0, Service::Fifo, "old");
    net.run();
    assert_eq!(net.told(1), ["1 message a1#1 in 2.4 old"]);
    assert!(net.told(2).is_empty());
    assert_eq!(net.rare(2, Rare::NotRunning), 1);
    (0..3).for_each(|n| net.flush_ok(n, "").unwrap());
    net.run();
    assert!(net.told(1)[0].ends_with(" from a1,b1"));
    assert!(net.told(2)[0].ends_with(" from c1"));
}

#[test]
fn a_foreign_table_changes_nothing() {
    let mut net = parted(["", ""]);
    let order = Order { epoch: 4, position: Position::new(50, 0) };
    net.control(0, 1, order, ControlEntry::Table(Default::default()), false);
    let join = ControlEntry::Leave { rank: 99, local: 1, life: 1, group: name(), expelled: None };
    net.control(0, 0, order, join.clone(), false);
    net.control(0, 1, order, join, false);
    assert_eq!(net.nodes[0].figures.drops(Drop::Malformed), 3);
}
