//! The members of a benchmark: real processes of this program, on loopback or in a network of
//! namespaces, told what to do over their standard input.

mod member;
mod words;

pub(crate) use member::{SMALLEST, member};
pub(crate) use words::{Flooded, Order, Part, Rested, Word, now_us};

use crate::failure::Failure;
use cenacle::{Dissemination, Psk, Service};
use cenacle_lab::Lab;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How long anything may take; a benchmark that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(300);

/// The services that can be measured: those that lose nothing and come back to their sender.
const SERVICES: [Service; 4] = [Service::Fifo, Service::Causal, Service::Agreed, Service::Safe];

/// A service by its name.
pub(crate) fn service(name: &str) -> Option<Service> {
    SERVICES.into_iter().find(|service| service.as_str() == name)
}

/// A way of dissemination by its name.
pub(crate) fn dissemination(name: &str) -> Option<Dissemination> {
    Some(match name {
        "auto" => Dissemination::Auto,
        "direct" => Dissemination::Direct,
        "gossip" => Dissemination::Gossip,
        _ => return None,
    })
}

/// Where members are, and how they speak.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// In namespaces joined by veth and a bridge; else on loopback.
    pub(crate) veth: bool,
    /// Over QUIC; else TCP.
    pub(crate) quic: bool,
    /// Its name.
    pub(crate) dissemination: String,
    pub(crate) suspect_after_ms: Option<u64>,
    /// What agrees on keys and what seals, in a group with keys.
    pub(crate) modules: Option<(String, String)>,
    /// How many groups all members are in.
    pub(crate) groups: usize,
}

impl Place {
    /// The names of key agreement and cipher.
    pub(crate) fn module_names(&self) -> (&str, &str) {
        match &self.modules {
            Some((key_agreement, cipher)) => (key_agreement, cipher),
            None => ("none", "none"),
        }
    }
}

/// Something a member said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) member: usize,
    /// The how-manieth life of it.
    pub(crate) life: u32,
    /// Nothing any more, if it is `None`.
    pub(crate) word: Option<Word>,
}

/// The members.
pub(crate) struct Company {
    place: Place,
    lab: Option<Lab>,
    psk: String,
    members: Vec<Option<Running>>,
    lives: Vec<u32>,
    said: Receiver<Said>,
    mouth: SyncSender<Said>,
}

struct Running {
    child: Child,
    input: ChildStdin,
    address: Option<String>,
}

impl Company {
    /// Room for so many members; none runs yet.
    pub(crate) fn new(size: usize, place: Place) -> Result<Self, Failure> {
        let lab = match place.veth {
            true => Some(Lab::new(size).map_err(|error| {
                Failure::Failed(format!("{error}; use --network loopback instead"))
            })?),
            false => None,
        };
        let psk = Psk::generate().map_err(failed)?.to_hex().to_string();
        let (mouth, said) = sync_channel(1024);
        let members = (0..size).map(|_| None).collect();
        Ok(Self { place, lab, psk, members, lives: vec![0; size], said, mouth })
    }

    /// The network, if it is one of namespaces.
    pub(crate) fn lab(&self) -> Option<&Lab> {
        self.lab.as_ref()
    }

    /// Starts a member that dials all that run. The first one leads.
    pub(crate) fn start(&mut self, member: usize) -> Result<(), Failure> {
        let program = std::env::current_exe().map_err(failed)?;
        let (host, mut command) = match &self.lab {
            Some(lab) => (lab.address(member).to_string(), lab.command(member, program)),
            None => ("127.0.0.1".to_owned(), Command::new(program)),
        };
        let transport = if self.place.quic { "udp/0/quic-v1" } else { "tcp/0" };
        let running = self.members.iter().flatten();
        let part = Part {
            listen: format!("/ip4/{host}/{transport}"),
            bootstrap: running.filter_map(|other| other.address.clone()).collect(),
            psk: self.psk.clone(),
            modules: self.place.modules.clone(),
            groups: self.place.groups,
            priority: u32::from(member == 0),
            dissemination: self.place.dissemination.clone(),
            suspect_after_ms: self.place.suspect_after_ms,
        };
        command.args(["bench", "member"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::Failed("a member has no input and output".to_owned()));
        };
        write_line(&mut input, &part)?;
        if let Some(life) = self.lives.get_mut(member) {
            *life += 1;
        }
        let life = self.lives.get(member).copied().unwrap_or(0);
        let mouth = self.mouth.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let word = line.ok().and_then(|line| serde_json::from_str(&line).ok());
                let ended = word.is_none();
                if mouth.send(Said { member, life, word }).is_err() || ended {
                    return;
                }
            }
            let _ = mouth.send(Said { member, life, word: None });
        });
        if let Some(slot) = self.members.get_mut(member) {
            *slot = Some(Running { child, input, address: None });
        }
        Ok(())
    }

    /// Starts all, the first one first, and waits until they have one view.
    pub(crate) fn start_all(&mut self) -> Result<(), Failure> {
        self.start(0)?;
        self.await_listening(0)?;
        let all: Vec<usize> = (0..self.members.len()).collect();
        all.iter().skip(1).try_for_each(|&member| self.start(member))?;
        self.await_views(&all, all.len(), 0).map(drop)
    }

    /// Waits until this member listens, so that others can dial it.
    pub(crate) fn await_listening(&mut self, member: usize) -> Result<(), Failure> {
        self.await_word("its address", |said| {
            (said.member == member && matches!(said.word, Some(Word::Listening { .. })))
                .then_some(())
        })
    }

    /// Waits until each of these, and each of those, has been in a view of their own since then; when
    /// the last of the former came to be.
    pub(crate) fn await_both(
        &mut self,
        these: &[usize],
        those: &[usize],
        since_us: u64,
    ) -> Result<u64, Failure> {
        let (mut missing, mut last) = ([these.to_vec(), those.to_vec()], 0);
        self.await_word("a view of its side", |said| {
            let Some(Word::View { members, at_us }) = said.word else { return None };
            for (side, left) in [these, those].into_iter().zip(&mut missing) {
                if members == side.len() && at_us >= since_us && left.contains(&said.member) {
                    left.retain(|&member| member != said.member);
                    if side == these {
                        last = at_us.max(last);
                    }
                }
            }
            missing.iter().all(Vec::is_empty).then_some(last)
        })
    }

    /// Waits until each of these has been in a view of so many members since then; when the last one
    /// came to be.
    pub(crate) fn await_views(
        &mut self,
        members: &[usize],
        size: usize,
        since_us: u64,
    ) -> Result<u64, Failure> {
        let mut missing: Vec<usize> = members.to_vec();
        let mut last = 0;
        self.await_word(&format!("a view of {size} members"), |said| {
            if let Some(Word::View { members, at_us }) = said.word
                && members == size
                && at_us >= since_us
                && missing.contains(&said.member)
            {
                missing.retain(|&member| member != said.member);
                last = at_us.max(last);
            }
            missing.is_empty().then_some(last)
        })
    }

    /// Tells a member what to do.
    pub(crate) fn tell(&mut self, member: usize, order: &Order) -> Result<(), Failure> {
        let running = self.members.get_mut(member).and_then(Option::as_mut);
        let running = running.ok_or_else(|| Failure::Failed(format!("member {member} is gone")))?;
        write_line(&mut running.input, order)
    }

    /// Waits for what `wanted` finds in what is said.
    pub(crate) fn await_word<T>(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&Said) -> Option<T>,
    ) -> Result<T, Failure> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let said = match self.said.recv_timeout(left) {
                Ok(said) => said,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Failed(format!(
                        "no member has said {what} for five minutes"
                    )));
                }
            };
            let (member, current) = (said.member, self.lives.get(said.member).copied());
            if current != Some(said.life) {
                continue;
            }
            match &said.word {
                Some(Word::Failed { why }) => {
                    return Err(Failure::Failed(format!("member {member} has failed: {why}")));
                }
                None if self.members.get(member).is_some_and(Option::is_some) => {
                    return Err(Failure::Failed(format!("member {member} has ended")));
                }
                Some(Word::Listening { address }) => {
                    if let Some(Some(running)) = self.members.get_mut(member) {
                        running.address = Some(address.clone());
                    }
                }
                _ => {}
            }
            if let Some(found) = wanted(&said) {
                return Ok(found);
            }
        }
    }

    /// Kills a member, without a word.
    pub(crate) fn kill(&mut self, member: usize) {
        if let Some(mut running) = self.members.get_mut(member).and_then(Option::take) {
            end(&mut running.child);
        }
    }

    /// Tells a member to stop, and does not wait.
    pub(crate) fn stop(&mut self, member: usize) -> Result<(), Failure> {
        self.tell(member, &Order::Stop)?;
        if let Some(mut running) = self.members.get_mut(member).and_then(Option::take) {
            std::thread::spawn(move || running.child.wait());
        }
        Ok(())
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        (0..self.members.len()).for_each(|member| self.kill(member));
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

fn write_line(input: &mut ChildStdin, word: &impl serde::Serialize) -> Result<(), Failure> {
    let mut line = serde_json::to_string(word).map_err(failed)?;
    line.push('\n');
    input.write_all(line.as_bytes()).and_then(|()| input.flush()).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Failed(format!("a member could not be run: {error}"))
}

/// The value below which so many of a hundred are; of values in ascending order.
pub(crate) fn percentile<T: Copy + Default>(ascending: &[T], percent: usize) -> T {
    let last = ascending.len().saturating_sub(1);
    let at = (ascending.len() * percent / 100).min(last);
    ascending.get(at).copied().unwrap_or_default()
}
