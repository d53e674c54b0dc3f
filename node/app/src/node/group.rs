//! A member of a group, in the application's hands.

use super::event::{Event, View};
use super::payload::Payload;
use super::seat::{Found, Item, Seat};
use super::shared::{Command, Shared, cost_of};
use super::state::Standing;
use crate::Error;
use bytes::Bytes;
use cenacle_core::{GroupName, MemberId, Service};
use cenacle_plugin::Secret;
use futures::channel::oneshot;
use futures::{Stream, StreamExt};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// So many bytes of events are read before the engine is told, besides at the end of each batch.
const REPORT: usize = 256 << 10;

/// A member of a group: a [`Stream`] of what it is told, and the ways to send. Dropping it leaves.
///
/// Whoever does not read makes everybody wait: above 16 MiB of unread events this node withholds its
/// acknowledgements, [`Group::send`] answers [`Error::Backlog`], and after `slow_member_timeout`
/// the others report this node, then go on without it.
///
/// ```
/// use cenacle::{Event, GroupOptions, Node, Service};
///
/// # async_std::task::block_on(async {
/// let node = Node::builder().group(GroupOptions::insecure("ops")?).start().await?;
/// let mut ops = node.join("ops").await?;
/// ops.send(b"hello", Service::Agreed).await?;
/// while let Some(event) = ops.next().await {
///     if let Event::Message(message) = event {
///         assert_eq!(message.body, "hello");
///         break;
///     }
/// }
/// ops.leave().await?;
/// node.stop().await;
/// # Ok::<(), cenacle::Error>(())
/// # })?;
/// # Ok::<(), cenacle::Error>(())
/// ```
#[derive(Debug)]
pub struct Group {
    sender: Sender,
    items: VecDeque<Item>,
    /// The weight of what was read and not told yet.
    read: usize,
    time_us: u64,
    /// A view has been read.
    seen: bool,
    ended: bool,
}

/// A way to send in a group, from any task: it can be cloned.
///
/// While this node's application has too much to read, a `Sender` waits: somebody else reads. It
/// does not keep the member in the group.
#[derive(Clone, Debug)]
pub struct Sender {
    shared: Arc<Shared>,
    seat: Arc<Seat>,
}

impl Group {
    pub(crate) fn new(shared: Arc<Shared>, seat: Arc<Seat>) -> Self {
        let (sender, items) = (Sender { shared, seat }, VecDeque::new());
        Self { sender, items, read: 0, time_us: 0, seen: false, ended: false }
    }

    /// The group's name.
    pub fn name(&self) -> &GroupName {
        &self.sender.seat.group
    }

    /// Who this member is.
    pub fn member(&self) -> MemberId {
        self.sender.seat.member
    }

    /// The next event; `None` behind the last one. The same as the stream's.
    pub async fn next(&mut self) -> Option<Event> {
        StreamExt::next(self).await
    }

    /// The present view, which may be ahead of the events that were read.
    pub fn view(&self) -> Option<Arc<View>> {
        self.sender.seat.view()
    }

    /// Multicasts a message. Waits while there is no view and while too much waits to be sent; the
    /// message is accepted when this returns, and [`Event::Sent`] tells its number and view.
    ///
    /// # Errors
    /// [`Error::Backlog`] if this application has too much to read: waiting would not end, since
    /// who waits does not read. [`Error::TooLarge`], [`Error::Gone`], [`Error::Stopped`];
    /// [`Error::NoAddressee`] for [`Service::Unicast`].
    pub async fn send(&self, body: impl Payload, service: Service) -> Result<(), Error> {
        let mut body = Some(body.into_bytes());
        poll_fn(|cx| self.poll_send(cx, &mut body, service)).await
    }

    /// As [`Group::send`], without waiting.
    ///
    /// # Errors
    /// Those of `send`; [`Error::NoView`] and [`Error::QueueFull`] where `send` would wait.
    pub fn try_send(&self, body: impl Payload, service: Service) -> Result<(), Error> {
        self.check_backlog()?;
        self.sender.try_send(body, service)
    }

    /// Takes `body` and sends it as soon as that is possible; for those who wait for several things
    /// at once.
    ///
    /// # Errors
    /// Those of [`Group::send`]; `body` stays where it is.
    pub fn poll_send(
        &self,
        cx: &mut Context<'_>,
        body: &mut Option<Bytes>,
        service: Service,
    ) -> Poll<Result<(), Error>> {
        self.poll_way(cx, body, Way::Multicast(service))
    }

    /// Sends to one member of the present view: reliably, in order, in this view or not at all.
    /// Waits as [`Group::send`] does.
    ///
    /// # Errors
    /// [`Error::NotInView`], and those of `send`.
    pub async fn unicast(&self, to: MemberId, body: impl Payload) -> Result<(), Error> {
        let mut body = Some(body.into_bytes());
        poll_fn(|cx| self.poll_unicast(cx, to, &mut body)).await
    }

    /// [`Group::unicast`] for those who wait for several things at once.
    ///
    /// # Errors
    /// Those of `unicast`; `body` stays where it is.
    pub fn poll_unicast(
        &self,
        cx: &mut Context<'_>,
        to: MemberId,
        body: &mut Option<Bytes>,
    ) -> Poll<Result<(), Error>> {
        self.poll_way(cx, body, Way::Unicast(to))
    }

    /// A way to send from other tasks.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Answers a flush request, in a group with `manual_flush`: what is sent after it belongs to the
    /// next view. What was sent before is done when the future is made, in order.
    ///
    /// # Errors
    /// No flush request waits for an answer; [`Error::Stopped`].
    pub fn flush_ok(&self) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let local = self.member().local;
        let given = self.sender.shared.command(Command::FlushOk { local, answer });
        async move {
            given?;
            answered.await.map_err(|_| Error::Stopped)?
        }
    }

    /// Wants a new key without a change of members: a view of the same members follows.
    ///
    /// # Errors
    /// The group has no keys; [`Error::Stopped`].
    pub fn refresh(&self) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let local = self.member().local;
        let has_keys = self.sender.seat.modules.is_some();
        let group = self.sender.seat.group.clone();
        let shared = Arc::clone(&self.sender.shared);
        async move {
            if !has_keys {
                return Err(Error::NoKeys { group });
            }
            shared.command(Command::Refresh { local, answer })?;
            answered.await.map_err(|_| Error::Stopped)?
        }
    }

    /// A key of 32 bytes for the application's own use, from the key of the present view: equal at
    /// all members of the view, different for every label and context (1,024 bytes each at most),
    /// telling nothing of other keys. None in a group without keys, and before the first view.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn export(
        &self,
        label: &[u8],
        context: &[u8],
    ) -> impl Future<Output = Result<Option<Secret<32>>, Error>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let local = self.member().local;
        let (label, context) = (Bytes::copy_from_slice(label), Bytes::copy_from_slice(context));
        let given = self.sender.shared.command(Command::Export { local, label, context, answer });
        async move {
            given?;
            answered.await.map_err(|_| Error::Stopped)
        }
    }

    /// Wants to leave, after what was sent; [`Event::Left`] is the last event.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn start_leaving(&self) -> Result<(), Error> {
        self.sender.shared.command(Command::Leave { local: self.member().local })
    }

    /// Leaves, after what was sent, and returns when the group goes on without this member. Events
    /// until then are dropped; who wants them uses [`Group::start_leaving`] and reads on.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn leave(mut self) -> Result<(), Error> {
        if self.ended {
            return Ok(());
        }
        self.start_leaving()?;
        while self.next().await.is_some() {}
        Ok(())
    }

    /// When the event that was read last happened, in microseconds since the Unix epoch.
    pub fn time_us(&self) -> u64 {
        self.time_us
    }

    /// Whether a view has been among the events that were read.
    pub fn has_been_in_view(&self) -> bool {
        self.seen
    }

    fn poll_way(
        &self,
        cx: &mut Context<'_>,
        body: &mut Option<Bytes>,
        way: Way,
    ) -> Poll<Result<(), Error>> {
        self.check_backlog()?;
        let sent = self.sender.poll_send(cx, body, way);
        if sent.is_pending() {
            // Who waits is woken when this begins; perhaps it just has.
            self.check_backlog()?;
        }
        sent
    }

    fn check_backlog(&self) -> Result<(), Error> {
        let max = self.sender.shared.max_unread;
        self.sender.shared.backlog().map_or(Ok(()), |unread| Err(Error::Backlog { unread, max }))
    }

    fn report(&mut self) {
        let read = std::mem::take(&mut self.read);
        if read > 0 {
            self.sender.seat.has_read(read);
            self.sender.shared.has_read(read);
        }
    }
}

impl Stream for Group {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let this = &mut *self;
        let mut listens = false;
        loop {
            if let Some(item) = this.items.pop_front() {
                this.read = this.read.saturating_add(item.weight);
                this.time_us = item.time.0;
                this.seen |= matches!(item.event, Event::View(_));
                if this.read >= REPORT || this.items.is_empty() {
                    this.report();
                }
                return Poll::Ready(Some(item.event));
            }
            match this.sender.seat.take(&mut this.items) {
                Found::Items => {}
                Found::End => {
                    this.ended = true;
                    return Poll::Ready(None);
                }
                Found::Nothing if listens => return Poll::Pending,
                Found::Nothing => {
                    this.sender.seat.await_mail(cx.waker());
                    listens = true;
                }
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.items.clear();
        self.read = 0;
        self.sender.shared.has_read(self.sender.seat.stop_reading());
        if !self.ended {
            // A node that has stopped has left already.
            let _ = self.start_leaving();
        }
    }
}

/// How a message travels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Multicast(Service),
    Unicast(MemberId),
}

impl Sender {
    /// Multicasts a message; waits while there is no view, while too much waits to be sent, and
    /// while too much waits to be read.
    ///
    /// # Errors
    /// Those of [`Group::send`] but [`Error::Backlog`].
    pub async fn send(&self, body: impl Payload, service: Service) -> Result<(), Error> {
        let mut body = Some(body.into_bytes());
        poll_fn(|cx| self.poll_send(cx, &mut body, Way::Multicast(service))).await
    }

    /// As [`Sender::send`], without waiting.
    ///
    /// # Errors
    /// Those of [`Group::try_send`].
    pub fn try_send(&self, body: impl Payload, service: Service) -> Result<(), Error> {
        let mut body = Some(body.into_bytes());
        let group = || self.seat.group.clone();
        match self.try_once(&mut body, Way::Multicast(service)) {
            Poll::Ready(result) => result,
            Poll::Pending if self.seat.standing() == Standing::Joining => {
                Err(Error::NoView { group: group() })
            }
            Poll::Pending => Err(Error::QueueFull { group: group() }),
        }
    }

    /// Sends to one member of the present view.
    ///
    /// # Errors
    /// Those of [`Group::unicast`] but [`Error::Backlog`].
    pub async fn unicast(&self, to: MemberId, body: impl Payload) -> Result<(), Error> {
        let mut body = Some(body.into_bytes());
        poll_fn(|cx| self.poll_send(cx, &mut body, Way::Unicast(to))).await
    }

    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        body: &mut Option<Bytes>,
        way: Way,
    ) -> Poll<Result<(), Error>> {
        if let Poll::Ready(done) = self.try_once(body, way) {
            return Poll::Ready(done);
        }
        self.seat.await_room(cx.waker());
        // There may be room since.
        let result = ready!(self.try_once(body, way));
        Poll::Ready(result)
    }

    /// Pending where it must wait.
    fn try_once(&self, body: &mut Option<Bytes>, way: Way) -> Poll<Result<(), Error>> {
        let Some(bytes) = body.as_ref().map(Bytes::len) else { return Poll::Ready(Ok(())) };
        let (seat, shared) = (&self.seat, &self.shared);
        let max = seat.max_message;
        if matches!(way, Way::Multicast(Service::Unicast)) {
            return Poll::Ready(Err(Error::NoAddressee));
        }
        if bytes > max {
            return Poll::Ready(Err(Error::TooLarge { max }));
        }
        match seat.standing() {
            Standing::Joining => return Poll::Pending,
            Standing::Gone => {
                return Poll::Ready(Err(Error::Gone { group: seat.group.clone() }));
            }
            Standing::Member => {}
        }
        if let Way::Unicast(member) = way
            && !seat.view().is_some_and(|view| view.members.contains(&member))
        {
            return Poll::Ready(Err(Error::NotInView { group: seat.group.clone(), member }));
        }
        if !seat.reserve(cost_of(bytes)) {
            return Poll::Pending;
        }
        let local = seat.member.local;
        let body = body.take().unwrap_or_default();
        Poll::Ready(shared.command(match way {
            Way::Multicast(service) => Command::Send { local, service, body },
            Way::Unicast(to) => Command::Unicast { local, to, body },
        }))
    }
}
