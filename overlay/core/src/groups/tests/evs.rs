//! Open groups.

use super::*;
use Semantics::Evs;

#[test]
fn every_join_and_leave_makes_a_view_without_a_flush() {
    let mut net = Net::new(2);
    net.join(0, wish(Evs));
    net.run();
    net.join(1, Join { blob: Bytes::from_static(b"new"), ..wish(Evs) });
    net.run();
    net.leave(1);
    net.run();
    let told =
        ["1 view 2.1 a1 from a1", "1 view 2.2 a1,b1 from a1 b1:new", "1 view 2.3 a1 from a1"];
    assert_eq!(net.told(0), told);
    assert_eq!(net.told(1), ["1 view 2.2 a1,b1 from b1 b1:new", "1 left"]);
}

#[test]
fn who_is_no_member_may_send() {
    let mut net = Net::new(2);
    net.join(0, wish(Evs));
    net.run();
    net.forget();
    net.send(1, Service::Fifo, "from outside");
    net.run();
    net.send(1, Service::Unreliable, "too");
    net.run();
    assert_eq!(net.told(1), ["1 sent 1 in - fifo", "1 sent 2 in - unreliable"]);
    let told = ["1 message b1#1 in 2.1 from outside", "1 message b1#2 in 2.1 too"];
    assert_eq!(net.told(0), told);
}

#[test]
fn a_configuration_gives_signal_and_view() {
    let mut net = Net::new(3);
    (0..3).for_each(|n| net.join(n, wish(Evs)));
    net.run();
    net.forget();
    net.change(&[0, 1], true);
    net.change(&[2], true);
    assert_eq!(net.told(0), ["1 transitional 2.3", "1 view 3.0 a1,b1 from a1,b1"]);
    assert_eq!(net.told(2), ["1 transitional 2.3", "1 view 4.0 c1 from c1"]);
    net.change(&[0, 1, 2], false);
    assert_eq!(net.told(2), ["1 transitional 4.0"]);
    net.run();
    assert_eq!(net.told(2), ["1 view 5.2 a1,b1,c1 from c1"]);
    assert_eq!(net.told(1)[3], "1 view 5.2 a1,b1,c1 from a1,b1");
    with!(net, 1, node, _below, _todo, node.groups.close(&mut node.out));
    assert_eq!(net.told(1), ["1 left"]);
}
