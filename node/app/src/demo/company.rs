//! The people of the story, in a temporary folder: friends who may come in, and others.

use super::line::Line;
use super::names::name;
use super::person::{Home, Person, Setting, failed, soon};
use super::request::Request;
use crate::failure::Failure;
use cenacle_net::{Multiaddr, PeerId, Protocol, Psk};
use futures::future::{join_all, try_join_all};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tempfile::TempDir;

/// From one look at the overlay to the next.
const LOOK: Duration = Duration::from_millis(5);

/// Who is on the list, and where everybody is.
pub(crate) struct Company<'r> {
    request: &'r Request,
    folder: TempDir,
    psk: Psk,
    listed: Vec<PeerId>,
    /// On the list, but not one of the friends.
    peggy: Option<Home>,
    pub(crate) friends: Vec<Person>,
    /// Between the first two.
    pub(crate) line: Line,
}

impl<'r> Company<'r> {
    /// Everybody starts a node, and all have found each other.
    pub(crate) async fn gather(request: &'r Request) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let psk = Psk::generate().map_err(failed)?;
        let home = |number| Home::make(folder.path(), &name(number));
        let homes = (0..request.nodes).map(home).collect::<Result<Vec<_>, _>>()?;
        let peggy = Home::make(folder.path(), "peggy")?;
        let listed: Vec<PeerId> = homes.iter().chain([&peggy]).map(|home| home.peer).collect();
        let setting = |bootstrap| Setting {
            psk: &psk,
            bootstrap,
            key_agreement: &request.key_agreement.name,
            cipher: &request.cipher.name,
            listed: &listed,
        };
        let mut homes = homes.into_iter();
        let first = homes.next().ok_or_else(|| failed("nobody"))?;
        let first = first.start(&setting(None)).await?;
        let line = Line::to(socket(&first.address)?).await?;
        let through = tcp(line.address).with(Protocol::P2p(first.peer()));
        let direct = first.address.clone().with(Protocol::P2p(first.peer()));
        // The second's way to the first leads over the line.
        let ways = std::iter::once(through).chain(std::iter::repeat(direct));
        let others = homes.zip(ways).map(|(home, way)| {
            let setting = setting(Some(way));
            async move { home.start(&setting).await }
        });
        let others = try_join_all(others).await?;
        let friends = std::iter::once(first).chain(others).collect();
        let company = Self { request, folder, psk, listed, peggy: Some(peggy), friends, line };
        for person in &company.friends {
            let found = together(person, company.friends.len());
            soon("finding each other", found).await??;
        }
        Ok(company)
    }

    /// The first of the friends.
    pub(crate) fn first(&self) -> Result<&Person, Failure> {
        self.friends.first().ok_or_else(|| failed("nobody"))
    }

    /// Somebody who knows the overlay's secret, but is on no list.
    pub(crate) async fn trudy(&self) -> Result<Person, Failure> {
        let home = Home::make(self.folder.path(), "trudy")?;
        self.guest(home, &self.request.key_agreement.name).await
    }

    /// Somebody on the list, whose configuration names another key agreement.
    pub(crate) async fn peggy(&mut self) -> Result<Person, Failure> {
        let home = self.peggy.take().ok_or_else(|| failed("peggy has been here"))?;
        let other = if self.request.key_agreement.name == "gdh" { "tgdh" } else { "gdh" };
        self.guest(home, other).await
    }

    /// Somebody who does not know the overlay's secret.
    pub(crate) async fn mallory(&self) -> Result<Person, Failure> {
        let home = Home::make(self.folder.path(), "mallory")?;
        let guess = Psk::generate().map_err(failed)?;
        self.stranger(home, &guess, &self.request.key_agreement.name).await
    }

    /// A node that takes part in the overlay, when it has found the others: alone it would be the
    /// first of a group of its own.
    async fn guest(&self, home: Home, key_agreement: &str) -> Result<Person, Failure> {
        let person = self.stranger(home, &self.psk, key_agreement).await?;
        let found = together(&person, self.friends.len() + 1);
        soon("finding the others", found).await??;
        Ok(person)
    }

    async fn stranger(
        &self,
        home: Home,
        psk: &Psk,
        key_agreement: &str,
    ) -> Result<Person, Failure> {
        let first = self.first()?;
        let bootstrap = Some(first.address.clone().with(Protocol::P2p(first.peer())));
        let cipher = &self.request.cipher.name;
        let setting = Setting { psk, bootstrap, key_agreement, cipher, listed: &self.listed };
        home.start(&setting).await
    }

    /// Everybody goes home.
    pub(crate) async fn part(self) {
        join_all(self.friends.into_iter().map(|person| person.node.stop())).await;
        self.line.close().await;
    }
}

/// Waits until a person's node is in a configuration of so many.
async fn together(person: &Person, nodes: usize) -> Result<(), Failure> {
    while person.node.status().await.map_err(failed)?.members.len() < nodes {
        async_std::task::sleep(LOOK).await;
    }
    Ok(())
}

fn tcp(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

fn socket(address: &Multiaddr) -> Result<SocketAddr, Failure> {
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    match parts.as_slice() {
        [Protocol::Ip4(ip), Protocol::Tcp(port)] => Ok(SocketAddr::new(IpAddr::V4(*ip), *port)),
        _ => Err(failed(format!("{address} is no address of the demo"))),
    }
}
