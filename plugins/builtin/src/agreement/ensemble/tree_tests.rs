//! Trees fall apart and are merged, and stay low whatever comes and goes.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use super::*;
use cenacle_plugin::network::Dice;

fn singles(size: u32) -> Vec<Tree> {
    (0..size).map(Tree::Leaf).collect()
}

fn nodes(tree: &Tree) -> Vec<Arc<Node>> {
    let mut nodes = Vec::new();
    let mut open = vec![tree.clone()];
    while let Some(tree) = open.pop() {
        if let Tree::Node(node) = tree {
            open.extend([node.left.clone(), node.right.clone()]);
            nodes.push(node);
        }
    }
    nodes
}

/// The same tree as the members see it when its keys are confirmed.
fn confirmed(tree: &Tree) -> Tree {
    let mut whole = tree.fall_apart(&Some);
    assert_eq!(whole.len(), 1);
    whole.pop().unwrap()
}

/// Fibonacci trees: of height 0, 1, 2… they have at least 1, 2, 3, 5, 8… members.
#[test]
fn the_bound_is_that_of_avl_trees() {
    let bounds = [1, 2, 3, 4, 5, 7, 8, 12, 13, 89, 100, 1024, 4096].map(most_height);
    assert_eq!(bounds, [0, 1, 2, 2, 3, 3, 4, 4, 5, 9, 9, 14, 16]);
    for size in 1..=4096u32 {
        let logarithm = f64::from(size).log2();
        assert!(f64::from(most_height(size)) < 1.4405 * logarithm + 1.0, "{size}");
        assert!(f64::from(most_height(size)) >= logarithm.ceil(), "{size} do not fit");
    }
}

#[test]
fn single_members_make_a_tree_of_the_least_height() {
    for size in 1..=1024 {
        let tree = merge(singles(size)).unwrap();
        assert_eq!(tree.height(), u32::BITS - (size - 1).leading_zeros(), "{size}");
        assert!(nodes(&tree).iter().all(|node| node.fresh));
        let mut members = tree.members();
        members.sort_unstable();
        assert_eq!(members, (0..size).collect::<Vec<_>>());
    }
}

/// Paper 000, Figure 3: of eight, the first leaves.
#[test]
fn the_figure_of_the_paper() {
    let eight = confirmed(&merge(singles(8)).unwrap());
    let parts = eight.fall_apart(&|position| (position != 0).then_some(position));
    let members: Vec<_> = parts.iter().map(Tree::members).collect();
    assert_eq!(members, [vec![1], vec![2, 3], vec![4, 5, 6, 7]]);
    let merged = merge(parts).unwrap();
    let mut fresh: Vec<_> = nodes(&merged)
        .iter()
        .filter(|node| node.fresh)
        .map(|node| Tree::Node(Arc::clone(node)).members())
        .collect();
    fresh.sort_by_key(Vec::len);
    assert_eq!(fresh, [vec![1, 2, 3], (1..8).collect::<Vec<_>>()]);
    assert_eq!(merged.part_of(4).unwrap().members(), [4, 5, 6, 7]);
    assert_eq!(merged.part_of(1), Some(Tree::Leaf(1)));
}

#[test]
fn a_whole_tree_gets_a_new_root_and_keeps_the_rest() {
    for size in 2..40 {
        let before = confirmed(&merge(singles(size)).unwrap());
        let after = merge(vec![before.clone()]).unwrap();
        let fresh = nodes(&after).iter().filter(|node| node.fresh).count();
        assert_eq!((fresh, after.height()), (1, before.height()), "{size}");
        assert!(after.root().unwrap().fresh);
    }
}

/// However members come and go: the bound holds, new keys are under new keys only, and no part with
/// a member that left is kept.
#[test]
fn trees_stay_low_whatever_comes_and_goes() {
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let mut tree = confirmed(&merge(singles(1)).unwrap());
        let mut next = 1;
        for _ in 0..60 {
            let coming = u32::try_from(dice.below(3)).unwrap();
            let leaving: Vec<u32> =
                tree.members().into_iter().filter(|_| dice.one_in(12)).collect();
            let mut parts = tree.fall_apart(&|at| (!leaving.contains(&at)).then_some(at));
            parts.extend((next..next + coming).map(Tree::Leaf));
            next += coming;
            let kept = parts.clone();
            let Some(merged) = merge(parts) else { continue };
            assert!(merged.is_balanced(), "seed {seed}");
            for node in nodes(&merged) {
                let below = [&node.left, &node.right].map(|tree| tree.root());
                let fresh_below = below.iter().flatten().any(|node| node.fresh);
                assert!(node.fresh || !fresh_below, "seed {seed}");
                let subtree = Tree::Node(Arc::clone(&node));
                assert!(node.fresh || kept.iter().any(|part| part.contains(&subtree)));
            }
            tree = confirmed(&merged);
        }
    }
}

/// A join costs few new keys, though the tree is rebalanced now and then.
#[test]
fn joining_one_by_one_stays_cheap() {
    let mut tree = Tree::Leaf(0);
    let mut most = 0;
    for position in 1..500 {
        let merged = merge(vec![confirmed(&tree), Tree::Leaf(position)]).unwrap();
        most = most.max(nodes(&merged).iter().filter(|node| node.fresh).count());
        tree = merged;
    }
    assert!(most <= 9, "{most} new keys for one member");
}

#[test]
fn trees_are_written_and_read() {
    for (size, view) in [(1, 1), (2, 2), (7, 9), (45, 45), (256, 256), (257, 257), (1000, 1024)] {
        let tree = merge(singles(size)).unwrap();
        let parts = confirmed(&tree).fall_apart(&|at| (at != size / 3).then_some(at));
        for tree in [Some(tree), merge(parts)].into_iter().flatten() {
            let bytes = encode(&tree, view);
            assert_eq!(decode(&bytes, view), Some(tree.clone()));
            for cut in 0..bytes.len().min(60) {
                assert_eq!(decode(&bytes[..cut], view), None);
            }
            let longer = [bytes.as_slice(), &[0]].concat();
            assert_eq!(decode(&longer, view), None);
        }
    }
    assert_eq!(encode(&merge(singles(45)).unwrap(), 45).len(), 2 + 17 + 45);
}

#[test]
fn what_is_no_tree_is_not_read() {
    let tree = merge(singles(3)).unwrap();
    let bytes = encode(&tree, 3);
    // An inner node with a new key is 11, an old one 10, a member 0.
    assert_eq!(bytes, [0, 3, 0b1111_0000, 0, 1, 2]);
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        decode(&bytes, 3)
    };
    assert_eq!(with(4, 0), None, "a member twice");
    assert_eq!(with(5, 3), None, "nobody's position");
    assert_eq!(with(2, 0b1011_0000), None, "a new key below an old one");
    assert_eq!(decode(&[], 3), None);
    assert_eq!(decode(&[0, 0], 3), None);
    assert_eq!(decode(&[0xff; 40], 1024), None);
}

#[test]
fn a_tree_that_is_too_high_is_not_read() {
    let skewed = |size| {
        (1..size).fold(Tree::Leaf(0), |tree, position| Tree::node(tree, Tree::Leaf(position), true))
    };
    let high = skewed(MAX_HEIGHT + 1);
    assert!(!high.is_balanced());
    assert!(decode(&encode(&high, 40), 40).is_some());
    assert_eq!(decode(&encode(&skewed(MAX_HEIGHT + 2), 40), 40), None);
}

/// Parts of a low tree may be high for their size; together they are opened up until they fit.
#[test]
fn parts_that_are_too_high_are_opened_up() {
    let skewed = |from: u32| {
        let of = |tree, position| Tree::node(tree, Tree::Leaf(position), false);
        (from + 1..from + 7).fold(Tree::Leaf(from), of)
    };
    let merged = merge(vec![skewed(0), skewed(7), skewed(14)]).unwrap();
    assert!(merged.is_balanced() && merged.size() == 21);
}
