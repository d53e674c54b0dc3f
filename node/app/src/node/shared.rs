//! What the application's handles and the pump share: commands one way, wake-ups both ways.

use super::seat::Seat;
use super::status::Status;
use crate::{Error, node::notice::Notices};
use atomic_waker::AtomicWaker;
use bytes::Bytes;
use cenacle_core::{Join, MemberId, NodeId, Service, Settings};
use cenacle_plugin::Secret;
use cenacle_secure::SecureJoin;
use futures::channel::oneshot;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where the answer to a command goes.
pub(crate) type Answer<T> = oneshot::Sender<T>;

/// Something that the application wants done.
#[derive(Debug)]
pub(crate) enum Command {
    Join { wish: Wish, seat: Arc<Seat>, answer: Answer<Result<(), Error>> },
    Send { local: u32, service: Service, body: Bytes },
    Unicast { local: u32, to: MemberId, body: Bytes },
    FlushOk { local: u32, answer: Answer<Result<(), Error>> },
    Leave { local: u32 },
    Refresh { local: u32, answer: Answer<Result<(), Error>> },
    Export { local: u32, label: Bytes, context: Bytes, answer: Answer<Option<Secret<32>>> },
    Status { answer: Answer<Status> },
    Stop,
}

/// A wish to join.
#[derive(Debug)]
pub(crate) enum Wish {
    /// A group without keys.
    Plain(Box<Join>),
    /// A group with keys.
    Secure(Box<SecureJoin>),
}

impl Wish {
    pub(crate) fn local(&self) -> u32 {
        match self {
            Self::Plain(join) => join.local,
            Self::Secure(join) => join.local,
        }
    }
}

impl Command {
    /// What it counts for while it waits, in bytes.
    pub(crate) fn cost(&self) -> usize {
        match self {
            Self::Send { body, .. } | Self::Unicast { body, .. } => cost_of(body.len()),
            _ => 0,
        }
    }
}

/// What a message of so many bytes counts for while it waits.
pub(crate) fn cost_of(bytes: usize) -> usize {
    bytes.saturating_add(size_of::<Command>())
}

/// One for each node.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) node: NodeId,
    /// What its members go by.
    pub(crate) name: Option<String>,
    pub(crate) max_message: usize,
    pub(crate) max_unread: usize,
    pub(crate) notices: Notices,
    commands: Mutex<Inbox>,
    pump: AtomicWaker,
    /// The pump has been woken and has not looked yet.
    woken: AtomicBool,
    /// The weight of the events that are delivered and not read.
    unread: AtomicUsize,
    /// The weight of the events that were read since the pump looked last.
    read: AtomicUsize,
    /// The pump wants to know at once what is read.
    hungry: AtomicBool,
    next_local: AtomicU32,
}

#[derive(Debug, Default)]
struct Inbox {
    commands: Vec<Command>,
    /// The pump has ended: nobody takes commands any more.
    closed: bool,
}

impl Shared {
    pub(crate) fn new(node: NodeId, name: Option<String>, engine: &Settings) -> Self {
        Self {
            node,
            name,
            max_message: engine.max_message,
            max_unread: engine.max_unread,
            notices: Notices::default(),
            commands: Mutex::default(),
            pump: AtomicWaker::new(),
            woken: AtomicBool::new(false),
            unread: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            hungry: AtomicBool::new(false),
            next_local: AtomicU32::new(0),
        }
    }

    // -- the application's side

    /// The next member of this node: numbers are not used again, so that members differ.
    pub(crate) fn next_member(&self) -> MemberId {
        MemberId { node: self.node, local: self.next_local.fetch_add(1, Ordering::Relaxed) }
    }

    /// Gives the pump a command.
    pub(crate) fn command(&self, command: Command) -> Result<(), Error> {
        {
            let mut inbox = locked(&self.commands);
            if inbox.closed {
                return Err(Error::Stopped);
            }
            inbox.commands.push(command);
        }
        self.wake();
        Ok(())
    }

    /// Events of this weight have been read.
    pub(crate) fn has_read(&self, weight: usize) {
        self.unread.fetch_sub(weight, Ordering::AcqRel);
        self.read.fetch_add(weight, Ordering::AcqRel);
        if self.hungry.load(Ordering::Acquire) {
            self.wake();
        }
    }

    /// The weight of what is not read, if that is too much to send.
    pub(crate) fn backlog(&self) -> Option<usize> {
        let unread = self.unread();
        (unread > self.max_unread).then_some(unread)
    }

    fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.pump.wake();
        }
    }

    // -- the pump's side

    /// Will be woken by what comes from now on.
    pub(crate) fn listen(&self, waker: &std::task::Waker) {
        self.pump.register(waker);
        // Whoever found the flag up has pushed before: the look that follows this call sees that.
        self.woken.swap(false, Ordering::AcqRel);
    }

    /// Takes what waits; `commands` must be empty.
    pub(crate) fn take(&self, commands: &mut Vec<Command>) {
        std::mem::swap(commands, &mut locked(&self.commands).commands);
    }

    /// The weight of the events read since the last call.
    pub(crate) fn take_read(&self) -> usize {
        self.read.swap(0, Ordering::AcqRel)
    }

    /// Whether something was read and the pump wants to know.
    pub(crate) fn has_news(&self) -> bool {
        self.hungry.load(Ordering::Acquire) && self.read.load(Ordering::Acquire) > 0
    }

    pub(crate) fn delivered(&self, weight: usize) {
        self.unread.fetch_add(weight, Ordering::AcqRel);
    }

    pub(crate) fn unread(&self) -> usize {
        self.unread.load(Ordering::Acquire)
    }

    /// The end of a turn: where the engine counts much as unread, it is told at once of what is read.
    pub(crate) fn settle(&self) {
        let counted = self.unread().saturating_add(self.read.load(Ordering::Acquire));
        self.hungry.store(counted > self.max_unread / 2, Ordering::Release);
    }

    /// Nobody takes commands any more; what waits is dropped, which answers it.
    pub(crate) fn close(&self) -> Vec<Command> {
        let mut inbox = locked(&self.commands);
        inbox.closed = true;
        std::mem::take(&mut inbox.commands)
    }
}

/// Locks; a thread that panicked with the lock has left whole values behind, since none is changed
/// in steps.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
