//! The story, step by step.

use super::checks::{hidden, read_by_all, refused_for, same_at_all, stays_shut};
use super::company::{Company, name, names};
use super::keys::Sealed;
use super::mallory;
use super::request::Request;
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use cenacle_plugin::network::{How, Outcome};
use std::io::Write;
use std::time::Instant;

/// What stands behind the curtain at this stage; told before and after.
const NOT_REAL: [&str; 4] = [
    "no network between processes: all members live in this one and their messages pass through \
     its memory",
    "no views and no ordering: this program says who is a member and delivers the messages, and it, \
     not the members, compares their keys before they are used",
    "no configuration, and no policy that decides who may join",
    "random numbers of the key agreement come from one seed of 64 bits, and a sealed message that \
     is sent twice is opened twice",
];

/// The story on its way.
pub(crate) struct Story<'a, 's, 'o> {
    request: &'a Request,
    company: Company<'a>,
    screen: &'s mut Screen<'o>,
    begun: Instant,
    steps: u32,
    checks: u32,
}

impl<'a, 's, 'o> Story<'a, 's, 'o> {
    /// Sets the scene.
    pub(crate) fn begin(request: &'a Request, screen: &'s mut Screen<'o>) -> Result<Self, Failure> {
        let (begun, company) = (Instant::now(), Company::new(request)?);
        Ok(Self { request, company, screen, begun, steps: 0, checks: 0 })
    }

    /// Tells everything.
    pub(crate) fn tell(mut self) -> Result<(), Failure> {
        let everybody: Vec<u32> = (0..self.request.nodes).collect();
        let leaver = everybody.get(1).copied().unwrap_or(0);
        let rest: Vec<u32> = everybody.iter().copied().filter(|number| *number != leaver).collect();
        self.opening()?;
        self.come_together(&everybody)?;
        let before = self.talk(&everybody)?;
        self.leave(leaver, &rest, &before)?;
        self.outsider()?;
        self.refresh(&rest)?;
        self.closing()
    }

    fn opening(&mut self) -> Result<(), Failure> {
        let title = self.screen.paint(Style::Heading, "Cenacle: a group that keeps a secret");
        writeln!(self.screen, "{title}\n")?;
        self.say(
            "Some peers want to talk among themselves. They agree on a key that only they know, \
             seal what they say with it, and agree on a new key whenever somebody comes or goes, so \
             that who left cannot read on. This demo shows that with the modules of this program, \
             and checks every claim it makes.",
        )?;
        let (agreement, cipher) =
            (self.request.key_agreement.descriptor(), self.request.cipher.descriptor());
        let lines = [
            format!("key agreement: {} ({})", agreement.name, agreement.summary),
            format!("cipher: {} ({})", cipher.name, cipher.summary),
        ];
        writeln!(self.screen)?;
        for line in lines {
            self.screen.item("  ", "    ", &line)?;
        }
        writeln!(self.screen)?;
        self.say(
            "Real: modules found by name in the registry; one instance of the key agreement and one \
             signing key for each member; every message of the agreement signed by its sender and \
             verified by its receivers; sealing and opening.",
        )?;
        self.not_real("Not real yet:")
    }

    fn come_together(&mut self, members: &[u32]) -> Result<(), Failure> {
        self.step(&format!("{} members come together", members.len()))?;
        self.say(&format!("{} know each other's public keys, and nothing else.", names(members)))?;
        self.agree(members, How::Continue)?;
        Ok(())
    }

    fn talk(&mut self, members: &[u32]) -> Result<Sealed, Failure> {
        self.step("They talk")?;
        let (speaker, answerer) = (0, members.last().copied().unwrap_or(0));
        let text = "the meeting is at noon";
        let message = self.speak(speaker, text, members)?;
        self.speak(answerer, "I shall be there", members)?;
        if self.request.is_confidential() {
            self.check(
                "what was said cannot be seen in what travelled",
                hidden(text, &message.bytes),
            )?;
        } else {
            self.say("This cipher hides nothing: whoever listens can read. It shows changes.")?;
        }
        let mut changed = message.clone();
        if let Some(byte) = changed.bytes.first_mut() {
            *byte ^= 1;
        }
        let read = self.company.read(answerer, &changed);
        self.check(
            "a sealed message in which one bit was changed does not open",
            stays_shut(&read),
        )?;
        Ok(message)
    }

    fn leave(&mut self, leaver: u32, rest: &[u32], before: &Sealed) -> Result<(), Failure> {
        let gone = name(leaver);
        self.step(&format!("{gone} leaves, and the key changes"))?;
        self.say(&format!("{gone} keeps a copy of every key so far and goes on listening."))?;
        let old = self.company.fingerprint(leaver).to_owned();
        let new = self.agree(rest, How::Continue)?;
        self.check("the key is another one", old != new)?;
        let message = self.speak(0, &format!("now that {gone} is gone"), rest)?;
        let kept = self.company.read(leaver, before);
        self.check(&format!("{gone}'s old key does open what was said before"), kept.is_ok())?;
        let read = self.company.read(leaver, &message);
        self.check(&format!("{gone}'s old key does not open what is said now"), stays_shut(&read))
    }

    fn outsider(&mut self) -> Result<(), Failure> {
        self.step("Mallory, who was never a member, tries to take part")?;
        self.say(
            "She hears every byte and knows every public key. To be let in, she would have to get \
             one message of her own into the key agreement.",
        )?;
        for attempt in mallory::attempts(&self.company)? {
            match attempt.refusal {
                Some(reason) => {
                    let refused = refused_for(reason, &attempt.answer);
                    self.check(&format!("she {}: refused", attempt.what), refused)?;
                }
                None => {
                    let claim = format!("she {}: accepted, as it should be", attempt.what);
                    self.check(&claim, attempt.answer.is_ok())?;
                }
            }
        }
        Ok(())
    }

    fn refresh(&mut self, members: &[u32]) -> Result<(), Failure> {
        let asker = members.last().copied().unwrap_or(0);
        self.step(&format!("{} asks for a fresh key; nobody comes or goes", name(asker)))?;
        let old = self.company.say(0, "the last words under the old key")?;
        let before = self.company.fingerprint(asker).to_owned();
        let new = self.agree(members, How::RefreshBy(asker))?;
        self.check("the key is another one", before != new)?;
        let read = self.company.read(asker, &old);
        self.check(
            "the new key does not open what was sealed under the old one",
            stays_shut(&read),
        )?;
        self.speak(asker, "the words of the new key", members)?;
        Ok(())
    }

    fn closing(&mut self) -> Result<(), Failure> {
        let text =
            format!("All {} checks held, in {} ms.", self.checks, self.begun.elapsed().as_millis());
        let text = self.screen.paint(Style::Good, &text);
        writeln!(self.screen, "\n{text}\n")?;
        self.not_real("Remember what this was not:")?;
        writeln!(self.screen)?;
        self.screen.paragraph(
            "",
            "Next: `cenacle plugins` lists the modules that `--key-agreement` and `--cipher` can \
             name; `cenacle bench keys` measures what they cost.",
        )?;
        Ok(())
    }

    /// A run of key agreement; shows the key's fingerprint and checks that it is the same at all.
    fn agree(&mut self, members: &[u32], how: How) -> Result<String, Failure> {
        let Outcome { costs, apart, bytes, time_critical_ns, .. } =
            self.company.agree(members, how)?;
        // What a module has sealed itself is not signed.
        let sealed = match apart.sealed {
            0 => String::new(),
            sealed => format!(" and {}", count(sealed, "sealed one")),
        };
        self.say(&format!(
            "They agree on a key: {}{sealed}, {bytes} bytes, {}; {} µs from the first step to the last if \
             each had a machine of its own.",
            count(costs.messages - apart.sealed, "signed message"),
            count(costs.rounds, "round"),
            time_critical_ns / 1000,
        ))?;
        let shown = members.iter().map(|number| self.company.fingerprint(*number));
        let same = same_at_all(shown);
        let fingerprint = members.first().map_or("none", |first| self.company.fingerprint(*first));
        let fingerprint = fingerprint.to_owned();
        let claim =
            format!("the key has the fingerprint {fingerprint} at all {} members", members.len());
        self.check(&claim, same)?;
        Ok(fingerprint)
    }

    /// One member says something, sealed; all others open it.
    fn speak(&mut self, from: u32, text: &str, members: &[u32]) -> Result<Sealed, Failure> {
        let message = self.company.say(from, text)?;
        let others: Vec<u32> = members.iter().copied().filter(|number| *number != from).collect();
        let read: Vec<_> = others.iter().map(|at| self.company.read(*at, &message)).collect();
        let size = message.bytes.len();
        self.say(&format!("{}: \"{text}\" (sealed: {size} bytes)", name(from)))?;
        self.check(&format!("{} read it", names(&others)), read_by_all(text, &read))?;
        Ok(message)
    }

    fn step(&mut self, title: &str) -> Result<(), Failure> {
        self.steps += 1;
        let title = self.screen.paint(Style::Heading, &format!("{}. {title}", self.steps));
        writeln!(self.screen, "\n{title}")?;
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.screen.paragraph(if self.steps == 0 { "" } else { "   " }, text)?;
        self.screen.flush()?;
        Ok(())
    }

    fn not_real(&mut self, heading: &str) -> Result<(), Failure> {
        self.screen.paragraph("", heading)?;
        for line in NOT_REAL {
            self.screen.item("  - ", "    ", line)?;
        }
        Ok(())
    }

    /// Shows a claim and whether it holds; ends the story if it does not.
    fn check(&mut self, claim: &str, holds: bool) -> Result<(), Failure> {
        let mark = match holds {
            true => self.screen.paint(Style::Good, "ok"),
            false => self.screen.paint(Style::Bad, "FAILED"),
        };
        writeln!(self.screen, "   {mark}  {claim}")?;
        self.screen.flush()?;
        verdict(claim, holds)?;
        self.checks += 1;
        Ok(())
    }
}

fn verdict(claim: &str, holds: bool) -> Result<(), Failure> {
    holds.then_some(()).ok_or_else(|| {
        Failure::Failed(format!(
            "the demo's claim does not hold: {claim}; this is a defect, please report it with the \
             output above"
        ))
    })
}

fn count(number: u32, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
