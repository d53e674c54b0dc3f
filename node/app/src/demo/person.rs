//! People with a node each, which they start from a folder with a configuration file.

use crate::failure::Failure;
use async_std::future::timeout;
use cenacle::config::{Config, FILE_NAME};
use cenacle::{Event, Group, Node, Notice, Service, View};
use cenacle_core::{MemberId, Refusal};
use cenacle_net::{Identity, Multiaddr, PeerId, Psk};
use cenacle_plugin::Secret;
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The group of the story.
pub(crate) const GROUP: &str = "ops";
/// Nothing in the story takes nearly as long on any machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for `what`, but not for ever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(PATIENCE, future).await.map_err(|_| {
        Failure::Failed(format!(
            "{what} did not happen within {PATIENCE:?}; this is a defect, or a machine with no time \
             to spare: please report it with the output above"
        ))
    })
}

pub(crate) fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Failed(error.to_string())
}

/// What a configuration says.
pub(crate) struct Setting<'s> {
    pub(crate) psk: &'s Psk,
    pub(crate) bootstrap: Option<Multiaddr>,
    pub(crate) key_agreement: &'s str,
    pub(crate) cipher: &'s str,
    /// Who may come in.
    pub(crate) listed: &'s [PeerId],
}

/// A name, a folder, and an identity: what `cenacle init` makes.
pub(crate) struct Home {
    pub(crate) name: String,
    pub(crate) peer: PeerId,
    folder: PathBuf,
}

impl Home {
    /// Makes the folder and the identity in it.
    pub(crate) fn make(below: &Path, name: &str) -> Result<Self, Failure> {
        let folder = below.join(name.replace(' ', "-"));
        fs::create_dir(&folder)?;
        let identity = Identity::generate().map_err(failed)?;
        identity.create(&folder.join("identity.key")).map_err(failed)?;
        Ok(Self { name: name.to_owned(), peer: identity.peer_id(), folder })
    }

    /// Writes the configuration, and starts a node from it.
    pub(crate) async fn start(self, setting: &Setting<'_>) -> Result<Person, Failure> {
        setting.psk.create(&self.folder.join("cenacle.psk")).map_err(failed)?;
        let text = self.configuration(setting);
        let file = self.folder.join(FILE_NAME);
        fs::write(&file, &text)?;
        // The demo is the same whatever the environment says.
        let config = Config::parse(&text, &self.folder).map_err(failed)?;
        let node = Node::start(config).await.map_err(failed)?;
        let address = soon("listening", node.listening()).await?;
        let address = address.ok_or_else(|| Failure::Failed("the node has stopped".to_owned()))?;
        Ok(Person { home: self, node, address, group: None, heard: VecDeque::new(), view: None })
    }

    fn configuration(&self, setting: &Setting<'_>) -> String {
        let quoted = |texts: Vec<String>| {
            let quoted: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
            quoted.join(", ")
        };
        let bootstrap = quoted(setting.bootstrap.iter().map(ToString::to_string).collect());
        let members = quoted(setting.listed.iter().map(ToString::to_string).collect());
        let (name, key_agreement, cipher) = (&self.name, setting.key_agreement, setting.cipher);
        format!(
            "[node]\nname = {name:?}\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\n\n\
             [overlay]\nname = \"demo\"\npsk_file = \"cenacle.psk\"\nmdns = false\n\
             bootstrap = [{bootstrap}]\n\n\
             [[group]]\nname = {GROUP:?}\nkey_agreement = {key_agreement:?}\ncipher = {cipher:?}\n\
             policy = \"allowlist\"\n\n[group.options.policy]\nmembers = [{members}]\n"
        )
    }
}

/// Somebody whose node runs.
pub(crate) struct Person {
    home: Home,
    pub(crate) node: Node,
    pub(crate) address: Multiaddr,
    group: Option<Group>,
    /// What was said and has not been asked for.
    heard: VecDeque<(MemberId, String)>,
    /// The last view.
    pub(crate) view: Option<View>,
}

impl Person {
    pub(crate) fn name(&self) -> &str {
        &self.home.name
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.home.peer
    }

    /// The fingerprint of the present key.
    pub(crate) fn key(&self) -> String {
        self.view.as_ref().map(|view| view.key.to_string()).unwrap_or_default()
    }

    /// What people would read to each other.
    pub(crate) fn safety(&self) -> String {
        self.view.as_ref().and_then(|view| view.safety.clone()).unwrap_or_default()
    }

    /// Wants to be in the group.
    pub(crate) async fn join(&mut self) -> Result<(), Failure> {
        self.group = Some(self.node.join(GROUP).await.map_err(failed)?);
        Ok(())
    }

    /// Leaves the group; the node stays.
    pub(crate) async fn leave(&mut self) -> Result<(), Failure> {
        match self.group.take() {
            Some(group) => soon("leaving", group.leave()).await?.map_err(failed),
            None => Ok(()),
        }
    }

    /// The group that the person is in.
    pub(crate) fn group(&self) -> Result<&Group, Failure> {
        self.group.as_ref().ok_or_else(|| Failure::Failed(format!("{} is alone", self.name())))
    }

    /// A key that follows from the group's, for another purpose.
    pub(crate) async fn exported(&self) -> Result<Option<Secret<32>>, Failure> {
        self.group()?.export(b"demo", b"").await.map_err(failed)
    }

    /// Says something to all.
    pub(crate) async fn say(&self, text: &str) -> Result<(), Failure> {
        self.group()?.send(text.as_bytes(), Service::Agreed).await.map_err(failed)
    }

    /// What the person heard next: who said it, and what.
    pub(crate) async fn hear(&mut self) -> Result<(String, String), Failure> {
        let (from, text) = loop {
            match self.heard.pop_front() {
                Some(heard) => break heard,
                None => _ = self.next().await?,
            }
        };
        let names = self.view.iter().flat_map(|view| &view.names);
        let mut name = names.filter(|(member, _)| **member == from).map(|(_, name)| name.clone());
        Ok((name.next_back().unwrap_or_else(|| from.to_string()), text))
    }

    /// Waits for a view of so many members with another key than `before`.
    pub(crate) async fn view_of(&mut self, members: usize, before: &str) -> Result<(), Failure> {
        loop {
            let there = self.view.as_ref().is_some_and(|view| view.members.len() == members);
            if there && self.key() != before {
                return Ok(());
            }
            if let Some(refusal) = self.next().await? {
                return Err(Failure::Failed(format!("{} is refused: {refusal:?}", self.name())));
            }
        }
    }

    /// Waits until the person is refused; a view would be wrong.
    pub(crate) async fn refusal(&mut self) -> Result<Refusal, Failure> {
        loop {
            if let Some(refusal) = self.next().await? {
                return Ok(refusal);
            }
            if let Some(view) = &self.view {
                let size = view.members.len();
                return Err(Failure::Failed(format!("{} is in a view of {size}", self.name())));
            }
        }
    }

    /// The next event; a refusal if it is one.
    async fn next(&mut self) -> Result<Option<Refusal>, Failure> {
        let name = self.home.name.clone();
        let group = self.group.as_mut().ok_or_else(|| failed(format!("{name} is alone")))?;
        let event = soon(&format!("something at {name}"), group.next()).await?;
        match event.ok_or_else(|| failed(format!("the group has ended at {name}")))? {
            Event::View(view) => self.view = Some(view),
            Event::Message(message) => {
                let text = String::from_utf8_lossy(&message.body).into_owned();
                self.heard.push_back((message.from, text));
            }
            Event::Refused(refusal) => return Ok(Some(refusal)),
            _ => {}
        }
        Ok(None)
    }

    /// What the person's node is warned of next.
    pub(crate) async fn warning(&self) -> Result<String, Failure> {
        loop {
            let notice = std::future::poll_fn(|cx| self.node.poll_notice(cx));
            match soon("a warning", notice).await? {
                Some(Notice::Warning { detail, .. }) => return Ok(detail),
                Some(_) => {}
                None => return Err(Failure::Failed("the node has stopped".to_owned())),
            }
        }
    }
}
