//! What waits for the swarm's task: orders of the pump, envelopes to gossip, news of connections.

use crate::status::Drop;
use bytes::Bytes;
use cenacle_core::NodeId;
use futures::task::AtomicWaker;
use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

/// Address records that wait to be looked at; each peer sends few, and more are not missed.
const MAX_RECORDS: usize = 1024;

/// Frames to gossip: for the members, or for one node.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) to: Option<NodeId>,
    pub(crate) frames: Vec<Bytes>,
}

impl Parcel {
    fn cost(&self) -> usize {
        self.frames.iter().map(|frame| frame.len() + 64).sum()
    }
}

/// An address record that a peer has sent.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) record: Bytes,
    pub(crate) from: NodeId,
}

/// What has been ordered since the last look.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) members: Option<Vec<NodeId>>,
    pub(crate) parcels: VecDeque<Parcel>,
    pub(crate) records: Vec<Arrived>,
    pub(crate) stop: Option<Duration>,
}

/// The desk: written by all, emptied by the swarm's task.
#[derive(Debug)]
pub(crate) struct Desk {
    orders: Mutex<(Orders, usize)>,
    waker: AtomicWaker,
    limit: usize,
}

impl Desk {
    /// `limit`: bytes that may wait to be gossiped.
    pub(crate) fn new(limit: usize) -> Self {
        Self { orders: Mutex::default(), waker: AtomicWaker::new(), limit }
    }

    fn orders(&self) -> MutexGuard<'_, (Orders, usize)> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn configure(&self, members: Vec<NodeId>) {
        self.orders().0.members = Some(members);
        self.waker.wake();
    }

    pub(crate) fn gossip(&self, parcel: Parcel) -> Result<(), Drop> {
        let cost = parcel.cost();
        let mut orders = self.orders();
        if orders.1 + cost > self.limit && orders.1 > 0 {
            return Err(Drop::GossipFull);
        }
        orders.1 += cost;
        orders.0.parcels.push_back(parcel);
        self.waker.wake();
        Ok(())
    }

    pub(crate) fn record(&self, arrived: Arrived) {
        let mut orders = self.orders();
        if orders.0.records.len() < MAX_RECORDS {
            orders.0.records.push(arrived);
            self.waker.wake();
        }
    }

    pub(crate) fn stop(&self, grace: Duration) {
        self.orders().0.stop = Some(grace);
        self.waker.wake();
    }

    pub(crate) fn gossip_bytes(&self) -> usize {
        self.orders().1
    }

    /// Waits until something is ordered, and takes it.
    pub(crate) async fn take(&self) -> Orders {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            let mut orders = self.orders();
            let waits = &orders.0;
            if waits.members.is_none()
                && waits.parcels.is_empty()
                && waits.records.is_empty()
                && waits.stop.is_none()
            {
                return Poll::Pending;
            }
            orders.1 = 0;
            Poll::Ready(std::mem::take(&mut orders.0))
        })
        .await
    }
}
