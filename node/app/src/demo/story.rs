//! The story, step by step.

use super::checks::{alike, hidden, same_at_all};
use super::company::Company;
use super::names::listed;
use super::person::{GROUP, Person, failed};
use super::request::Request;
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use futures::future::try_join_all;
use std::collections::BTreeSet;
use std::io::Write;
use std::time::Instant;

/// The story on its way.
pub(crate) struct Story<'r, 's, 'o> {
    request: &'r Request,
    screen: &'s mut Screen<'o>,
    begun: Instant,
    steps: u32,
    checks: u32,
    /// The keys so far.
    keys: BTreeSet<String>,
    /// What was said so far.
    said: Vec<String>,
}

impl<'r, 's, 'o> Story<'r, 's, 'o> {
    /// A story that has not begun.
    pub(crate) fn new(request: &'r Request, screen: &'s mut Screen<'o>) -> Self {
        let (keys, said) = (BTreeSet::new(), Vec::new());
        Self { request, screen, begun: Instant::now(), steps: 0, checks: 0, keys, said }
    }

    /// Tells everything.
    pub(crate) async fn tell(mut self) -> Result<(), Failure> {
        self.opening()?;
        let mut company = self.gather().await?;
        self.join(&mut company).await?;
        self.talk(&mut company).await?;
        self.leave(&mut company).await?;
        self.refresh(&mut company).await?;
        self.outsiders(&mut company).await?;
        self.come_back(&mut company).await?;
        self.closing(company).await
    }

    fn opening(&mut self) -> Result<(), Failure> {
        let title = self.screen.paint(Style::Heading, "Cenacle: a group that keeps a secret");
        writeln!(self.screen, "{title}\n")?;
        self.say(
            "Some peers want to talk among themselves, with no server between them. They agree on \
             who is in, in what order things were said, and on a key that only they know; and on a \
             new key whenever somebody comes or goes, so that who left cannot read on. This demo \
             does that with real nodes on real connections, and checks every claim it makes.",
        )?;
        let (agreement, cipher) = (&self.request.key_agreement, &self.request.cipher);
        let lines = [
            format!("key agreement: {} ({})", agreement.name, agreement.summary),
            format!("cipher: {} ({})", cipher.name, cipher.summary),
        ];
        writeln!(self.screen)?;
        for line in lines {
            self.screen.item("  ", "    ", &line)?;
        }
        Ok(())
    }

    async fn gather(&mut self) -> Result<Company<'r>, Failure> {
        self.step(&format!("{} nodes start and find each other", self.request.nodes))?;
        let begun = Instant::now();
        let company = Company::gather(self.request).await?;
        self.say(&format!(
            "{} each have a folder with an identity, a secret of the overlay and a configuration, as \
             `cenacle init` makes them. The first listens on {}; the others know that address and \
             learn the rest.",
            names(&company.friends),
            company.first()?.address
        ))?;
        let took = begun.elapsed().as_millis();
        self.say(&format!("All are connected to all, {took} ms after the first began."))?;
        Ok(company)
    }

    async fn join(&mut self, company: &mut Company<'_>) -> Result<(), Failure> {
        self.step(&format!("They join the group {GROUP:?} and agree on a key"))?;
        let begun = Instant::now();
        try_join_all(company.friends.iter_mut().map(Person::join)).await?;
        self.secure(&mut company.friends, begun).await?;
        let safety: Vec<Vec<String>> = company.friends.iter().map(|p| vec![p.safety()]).collect();
        let number = safety.first().cloned().unwrap_or_default().concat();
        self.say(&format!(
            "Two people who doubt each other's members or rules read the safety number to each \
             other: {number}"
        ))?;
        self.check("the safety number is the same at all", alike(&safety))
    }

    async fn talk(&mut self, company: &mut Company<'_>) -> Result<(), Failure> {
        self.step("They talk, all at the same time")?;
        let texts: Vec<String> = company
            .friends
            .iter()
            .enumerate()
            .map(|(number, person)| match number {
                0 => "the meeting is at noon".to_owned(),
                1 => "who brings the bread?".to_owned(),
                _ => format!("{} will be there", person.name()),
            })
            .collect();
        self.said.extend(texts.iter().cloned());
        try_join_all(company.friends.iter().zip(&texts).map(|(p, text)| p.say(text))).await?;
        let mut heard = Vec::new();
        for person in &mut company.friends {
            let mut of_one = Vec::new();
            for _ in 0..texts.len() {
                of_one.push(person.hear().await?);
            }
            heard.push(of_one);
        }
        for (from, text) in heard.first().into_iter().flatten().take(5) {
            self.say(&format!("{from}: {text:?}"))?;
        }
        self.check(
            &format!("all {} heard all of it, in the same order", texts.len()),
            heard.iter().all(|of_one| of_one.len() == texts.len()) && alike(&heard),
        )?;
        self.overheard(company)
    }

    /// What Mallory, on the line between the first two, has heard so far.
    fn overheard(&mut self, company: &Company<'_>) -> Result<(), Failure> {
        let [one, other, ..] = company.friends.as_slice() else { return Ok(()) };
        let (one, other) = (one.name(), other.name());
        let heard = company.line.heard();
        if !self.request.is_confidential() {
            return self.say(&format!(
                "This cipher hides nothing, it shows changes: the overlay's own encryption alone \
                 keeps the {} bytes between {one} and {other} from whoever listens.",
                heard.len()
            ));
        }
        let said: Vec<&str> = self.said.iter().map(String::as_str).collect();
        let hidden = hidden(said, &heard);
        self.check(
            &format!(
                "Mallory sits on the line between {one} and {other}: in the {} bytes that passed she \
                 cannot see anything that was said",
                heard.len()
            ),
            hidden,
        )
    }

    async fn leave(&mut self, company: &mut Company<'_>) -> Result<(), Failure> {
        let leaver = company.friends.get(1).map(|p| p.name().to_owned()).unwrap_or_default();
        self.step(&format!("{leaver} leaves, and the key changes"))?;
        let begun = Instant::now();
        let mut kept = None;
        if let Some(person) = company.friends.get_mut(1) {
            kept = person.exported().await?;
            person.leave().await?;
        }
        self.say(&format!(
            "{leaver} keeps a copy of what follows from the key, and {leaver}'s node stays \
             connected: it goes on carrying what the others say."
        ))?;
        self.secure(present(company), begun).await?;
        let theirs = company.first()?.exported().await?;
        let worthless = kept.is_some() && theirs.is_some() && kept != theirs;
        self.check(&format!("what {leaver} kept is worth nothing now"), worthless)?;
        self.speak(company, &format!("now that {leaver} is gone")).await
    }

    async fn refresh(&mut self, company: &mut Company<'_>) -> Result<(), Failure> {
        let asker = company.friends.last().map(|p| p.name().to_owned()).unwrap_or_default();
        self.step(&format!("{asker} asks for a fresh key; nobody comes or goes"))?;
        let begun = Instant::now();
        if let Some(person) = company.friends.last() {
            person.group()?.refresh().await.map_err(failed)?;
        }
        self.secure(present(company), begun).await?;
        self.speak(company, "the first words under the new key").await
    }

    async fn outsiders(&mut self, company: &mut Company<'_>) -> Result<(), Failure> {
        self.step("Others try to come in")?;
        let mallory = company.mallory().await?;
        self.say("Mallory guesses at the overlay's secret.")?;
        let told = mallory.warning().await?;
        self.say(&format!("Her node says: {told}"))?;
        let alone = mallory.node.status().await.map_err(failed)?.members.len();
        self.check("nobody talks to her", alone == 1)?;
        mallory.node.stop().await;
        self.say("Trudy knows the overlay's secret, but is not on the group's list.")?;
        let trudy = company.trudy().await?;
        self.refused(trudy, "not-listed").await?;
        self.say("Peggy is on the list, but her configuration names another key agreement.")?;
        let peggy = company.peggy().await?;
        self.refused(peggy, "charter").await?;
        let key = company.first()?.key();
        let unchanged = present(company).iter().all(|person| person.key() == key);
        self.check("nothing of this has changed the group or its key", unchanged)?;
        self.speak(company, "was there anybody at the door?").await
    }

    async fn refused(&mut self, mut person: Person, code: &str) -> Result<(), Failure> {
        person.join().await?;
        let refusal = person.refusal().await?;
        self.say(&format!("She is told: {}", refusal.detail))?;
        let name = person.name().to_owned();
        person.node.stop().await;
        self.check(&format!("{name} is refused, and never sees a key"), refusal.code == code)
    }

    async fn come_back(&mut self, company: &mut Company<'_>) -> Result<(), Failure> {
        let leaver = company.friends.get(1).map(|p| p.name().to_owned()).unwrap_or_default();
        self.step(&format!("{leaver} comes back"))?;
        let begun = Instant::now();
        if let Some(person) = company.friends.get_mut(1) {
            person.view = None;
            person.join().await?;
        }
        self.secure(&mut company.friends, begun).await?;
        self.speak(company, &format!("welcome back, {leaver}")).await?;
        self.overheard(company)
    }

    async fn closing(&mut self, company: Company<'_>) -> Result<(), Failure> {
        company.part().await;
        let text =
            format!("All {} checks held, in {} ms.", self.checks, self.begun.elapsed().as_millis());
        let text = self.screen.paint(Style::Good, &text);
        writeln!(self.screen, "\n{text}\n")?;
        self.screen.paragraph(
            "",
            "All nodes were real, but in one process on one machine. Next: `cenacle init --dir alice` \
             makes a configuration, `cenacle run` starts a node from it; `cenacle plugins` lists the \
             modules that groups can choose, and `cenacle bench keys` measures what they cost.",
        )?;
        Ok(())
    }

    /// Waits until all share a new key, and checks that it is one.
    async fn secure<'p>(
        &mut self,
        people: impl IntoIterator<Item = &'p mut Person>,
        begun: Instant,
    ) -> Result<(), Failure> {
        let people: Vec<&mut Person> = people.into_iter().collect();
        let size = people.len();
        let people = try_join_all(people.into_iter().map(|person| async move {
            let before = person.key();
            person.view_of(size, &before).await.map(|()| person)
        }))
        .await?;
        let took = begun.elapsed().as_micros();
        let shown: Vec<String> = people.iter().map(|person| person.key()).collect();
        let key = shown.first().cloned().unwrap_or_default();
        self.say(&format!(
            "All {size} are in one secure view after {}.{} ms.",
            took / 1000,
            took % 1000 / 100
        ))?;
        let same = same_at_all(shown.iter().map(String::as_str));
        self.check(&format!("the key has the fingerprint {key} at all {size} members"), same)?;
        let new = self.keys.insert(key);
        if self.keys.len() > 1 || !new {
            self.check("it is a key that never was before", new)?;
        }
        Ok(())
    }

    /// The first says something; whoever is in the group hears it.
    async fn speak(&mut self, company: &mut Company<'_>, text: &str) -> Result<(), Failure> {
        let speaker = company.first()?.name().to_owned();
        company.first()?.say(text).await?;
        self.said.push(text.to_owned());
        self.say(&format!("{speaker}: {text:?}"))?;
        let mut people = present(company);
        let mut all = true;
        for person in &mut people {
            all &= person.hear().await? == (speaker.clone(), text.to_owned());
        }
        let others: Vec<&str> = people.iter().skip(1).map(|person| person.name()).collect();
        self.check(&format!("{} heard it", listed(others)), all)
    }

    fn step(&mut self, title: &str) -> Result<(), Failure> {
        self.steps += 1;
        let title = self.screen.paint(Style::Heading, &format!("{}. {title}", self.steps));
        writeln!(self.screen, "\n{title}")?;
        self.screen.flush()?;
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.screen.paragraph(if self.steps == 0 { "" } else { "   " }, text)?;
        self.screen.flush()?;
        Ok(())
    }

    /// Shows a claim and whether it holds; ends the story if it does not.
    fn check(&mut self, claim: &str, holds: bool) -> Result<(), Failure> {
        let mark = match holds {
            true => self.screen.paint(Style::Good, "ok"),
            false => self.screen.paint(Style::Bad, "FAILED"),
        };
        self.screen.item(&format!("   {mark}  "), "       ", claim)?;
        self.screen.flush()?;
        verdict(claim, holds)?;
        self.checks += 1;
        Ok(())
    }
}

/// Those who are in the group.
fn present<'c>(company: &'c mut Company<'_>) -> Vec<&'c mut Person> {
    company.friends.iter_mut().filter(|person| person.group().is_ok()).collect()
}

fn names(people: &[Person]) -> String {
    listed(people.iter().map(Person::name))
}

fn verdict(claim: &str, holds: bool) -> Result<(), Failure> {
    holds.then_some(()).ok_or_else(|| {
        Failure::Failed(format!(
            "the demo's claim does not hold: {claim}; this is a defect, please report it with the \
             output above"
        ))
    })
}
