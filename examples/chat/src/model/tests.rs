//! Lists of what happens, and what the chat makes of them.

use super::*;
use crate::people::tests::member;
use cenacle::{Ballot, Fingerprint, Message, Modules, Order, Service, State, ViewId};

pub(crate) struct Story {
    pub(crate) chat: Chat,
    pub(crate) effects: Vec<Effect>,
}

impl Story {
    /// We are the first member of the group `ops`.
    pub(crate) fn new() -> Self {
        let mut story = Self { chat: Chat::new("ops"), effects: Vec::new() };
        story.then(Happening::Joining(member(1)));
        story
    }

    pub(crate) fn then(&mut self, what: Happening) -> &mut Self {
        self.chat.handle(13 * 3_600_000_000, what, &mut self.effects);
        self
    }

    pub(crate) fn state(&mut self, state: State) -> &mut Self {
        self.then(in_group(Event::State(state)))
    }

    /// A view of these, with their names, under the key of that number.
    pub(crate) fn view(&mut self, key: u8, members: &[(u8, &str)]) -> &mut Self {
        self.then(in_group(Event::View(view(key, members))))
    }

    pub(crate) fn says(&mut self, who: u8, number: u64, text: &[u8]) -> &mut Self {
        self.then(in_group(Event::Message(Message {
            from: member(who),
            number,
            view: place(),
            service: Service::Agreed,
            order: None,
            body: text.to_vec().into(),
        })))
    }

    pub(crate) fn types(&mut self, text: &str) -> &mut Self {
        self.then(Happening::Press(Press::Text(text.to_owned())))
    }

    pub(crate) fn press(&mut self, press: Press) -> &mut Self {
        self.then(Happening::Press(press))
    }

    fn writes(&mut self, text: &str) -> &mut Self {
        self.types(text).press(Press::Enter)
    }

    /// The lines since the last question.
    fn told(&mut self) -> Vec<String> {
        let texts = self.chat.log.texts();
        self.chat.log = Log::default();
        texts
    }
}

fn in_group(event: Event) -> Happening {
    Happening::Group(Box::new(event))
}

fn place() -> ViewId {
    ViewId { order: Order::default(), proposer: member(1).node }
}

fn view(key: u8, members: &[(u8, &str)]) -> View {
    let names = members.iter().filter(|(_, name)| !name.is_empty());
    View {
        id: place(),
        configuration: Ballot { epoch: 1, proposer: member(1).node },
        members: members.iter().map(|(key, _)| member(*key)).collect(),
        transitional: Vec::new(),
        key: Fingerprint::of([key; 8]),
        safety: Some(format!("{:05} 67890 12345 67890 12345 67890", members.len())),
        names: names.map(|(key, name)| (member(*key), (*name).to_owned())).collect(),
        modules: Modules::NONE,
    }
}

const ALICE: (u8, &str) = (1, "alice");
const BOB: (u8, &str) = (2, "bob");
const CAROL: (u8, &str) = (3, "carol");

#[test]
fn who_comes_and_goes_is_told_with_the_key() {
    let mut story = Story::new();
    story.view(1, &[ALICE]);
    let told = story.told();
    assert_eq!(
        told[1..],
        [
            "* you are in the group, and the only one so far",
            "* the key: fingerprint 0101010101010101"
        ]
    );
    story.view(2, &[ALICE, BOB, CAROL]);
    assert_eq!(
        story.told(),
        [
            "* bob and carol have come",
            "* the key has changed: fingerprint 0202020202020202",
            "* safety number: 00003 67890 12345 67890 12345 67890"
        ]
    );
    story.view(3, &[ALICE]);
    let told = story.told();
    assert_eq!(told[0], "* 2 have left, or the network is cut between you and them: bob and carol");
    story.view(4, &[ALICE, BOB]);
    assert_eq!(story.told()[0], "* bob is back: the cut is healed");
    story.view(5, &[ALICE]);
    assert_eq!(story.told()[0], "* bob has left, or cannot be reached");
    // Who tries to look like somebody who was here is told from him.
    story.view(6, &[ALICE, (4, "Bob")]);
    let told = story.told();
    assert!(told[0].contains("more than one person is called Bob"), "{told:?}");
    assert!(told[1].starts_with("* Bob …") && told[1].ends_with(" has come"), "{told:?}");
}

#[test]
fn a_new_key_is_told_to_whoever_asked() {
    let mut story = Story::new();
    story.writes("/refresh");
    assert_eq!(story.told()[1], "* no new key: you are not in the group");
    story.view(1, &[ALICE, BOB]).writes("/refresh");
    assert_eq!(story.effects, [Effect::Refresh]);
    story.told();
    // Somebody comes meanwhile: that is not what was asked for.
    story.view(2, &[ALICE, BOB, CAROL]).view(3, &[ALICE, BOB, CAROL]);
    let told = story.told();
    assert!(told[1].starts_with("* the key has changed: "), "{told:?}");
    assert!(told[3].starts_with("* the key has changed, as you asked: "), "{told:?}");
    story.writes("/refresh").then(Happening::Refreshed(Err(Error::Stopped)));
    assert_eq!(story.told()[1], "* no new key: this node has stopped");
}

fn sent(number: u64) -> Happening {
    let service = Service::Agreed;
    in_group(Event::Sent(cenacle::Sent { number, view: None, service, to: None }))
}

fn waiting(story: &Story) -> Vec<&str> {
    story.chat.outgoing.iter().map(|waiting| waiting.text.as_str()).collect()
}

#[test]
fn own_messages_appear_at_their_place() {
    let mut story = Story::new();
    story.view(1, &[ALICE, BOB]).told();
    story.writes("one").writes("//two");
    let offer = |ticket, text: &str| Effect::Offer { ticket, text: text.to_owned() };
    assert_eq!(story.effects, [offer(0, "one"), offer(1, "/two")]);
    assert_eq!(waiting(&story), ["one", "/two"]);
    assert!(story.told().is_empty());
    story.then(Happening::Offered { ticket: 0, result: Ok(()) });
    story.then(sent(1)).says(2, 1, b"before you").says(1, 1, b"one");
    assert_eq!(waiting(&story), ["/two"]);
    assert_eq!(story.told(), ["bob: before you", "alice (you): one"]);
}

#[test]
fn what_cannot_be_sent_comes_back_with_the_reason() {
    let mut story = Story::new();
    story.view(1, &[ALICE, BOB]).writes("//one").told();
    story.then(Happening::Offered { ticket: 0, result: Err(Error::TooLarge { max: 3 }) });
    assert_eq!(
        story.told(),
        [
            "* not sent: the message is larger than the limit of 3 bytes: send it in parts (\"/one\")"
        ]
    );
    assert_eq!((story.chat.input.text(), waiting(&story).len()), ("//one", 0));
    story.press(Press::DeleteToBegin).writes("two");
    story.then(in_group(Event::NotSent { service: Service::Agreed, reason: Error::Stopped }));
    assert_eq!((story.told().len(), waiting(&story).len()), (1, 0));
    story.press(Press::DeleteToBegin).writes("three").then(in_group(Event::Left));
    let told = story.told();
    assert_eq!(told.last().unwrap(), "* the message that waited was not sent");
    story.writes("four");
    assert_eq!(story.told(), ["* not sent: you have left; /join to come back, /quit to end"]);
    assert_eq!(story.chat.input.text(), "four");
}

#[test]
fn many_that_wait_are_enough() {
    let mut story = Story::new();
    for number in 0..70 {
        story.writes(&number.to_string());
    }
    assert_eq!(waiting(&story).len(), 64);
    let told = story.told();
    assert_eq!(told.len(), 1 + 6, "{told:?}");
    assert!(told[1].contains("64 messages wait already"), "{told:?}");
    assert!(!story.chat.wants_input());
}

#[test]
fn a_refusal_is_told_and_is_the_end() {
    let mut story = Story::new();
    let refusal = cenacle::Refusal {
        code: "policy".to_owned(),
        detail: "you are not on the list\u{1b}[2J".to_owned(),
        charter: None,
    };
    story.then(in_group(Event::Refused(refusal)));
    let told = story.told();
    assert_eq!(told[1], "* you are not let in: you are not on the list\\u{1b}[2J (policy)");
    assert!(story.chat.failure().unwrap().contains("not on the list"));
    assert_eq!(story.effects, []);
    story.chat.ends_with_the_group = true;
    story.then(Happening::Stopped);
    assert_eq!(story.effects, [Effect::Quit]);
}

#[test]
fn leaving_and_coming_back() {
    let mut story = Story::new();
    story.view(1, &[ALICE, BOB]).writes("/join").writes("/leave").writes("/join");
    assert_eq!(story.effects, [Effect::Leave]);
    story.then(in_group(Event::Left)).writes("/join").writes("/quit");
    assert_eq!(story.effects, [Effect::Leave, Effect::Join, Effect::Quit]);
}

#[test]
fn every_way_to_the_end_is_taken_once() {
    for way in [Press::Interrupt, Press::EndOfInput] {
        let mut story = Story::new();
        story.press(way).then(Happening::Signal).writes("/quit");
        assert_eq!(story.effects, [Effect::Quit]);
    }
    // What stands in the line is not thrown away by a slip.
    let mut story = Story::new();
    story.types("draft").press(Press::EndOfInput);
    assert_eq!(story.effects, []);
}

#[test]
fn the_end_of_the_input_waits_for_what_was_written() {
    let mut story = Story::new();
    story.then(Happening::Line("one".to_owned())).then(Happening::EndOfInput);
    assert!(!story.chat.ending && !story.chat.wants_input());
    story.then(Happening::Offered { ticket: 0, result: Ok(()) });
    assert_eq!(story.effects.last(), Some(&Effect::Quit));
}

#[test]
fn states_are_told_when_something_must_be_known() {
    let mut story = Story::new();
    story.told();
    for state in [State::Offline, State::Discovering, State::Agreeing, State::Secure] {
        story.state(state);
    }
    assert!(story.told().is_empty());
    story.state(State::ReadOnly).state(State::Secure).state(State::Insecure);
    let told = story.told();
    assert!(told[0].contains("not write now") && told[1].contains("write again"), "{told:?}");
    assert!(told[2].contains("NOT encrypted"), "{told:?}");
}

#[test]
fn one_can_ask() {
    let mut story = Story::new();
    story.view(1, &[ALICE, (2, "")]).told();
    story.writes("/who");
    let told = story.told();
    assert_eq!(told[0], "* 2 members:");
    assert!(told[1].starts_with("*   alice (you)  12D3KooW"), "{told:?}");
    assert!(told[2].starts_with("*   …") && told[2].contains("12D3KooW"), "{told:?}");
    story.writes("/safety").writes("/help").writes("/saftey");
    let told = story.told();
    assert_eq!(told[0], "* safety number: 00002 67890 12345 67890 12345 67890");
    assert!(told.iter().any(|line| line.starts_with("*   /refresh: ")), "{told:?}");
    assert!(told.last().unwrap().contains("did you mean safety?"), "{told:?}");
}

#[test]
fn a_warning_is_told_once() {
    let mut story = Story::new();
    story.told();
    for _ in 0..3 {
        story.then(Happening::Warning("the port is taken\u{7}".to_owned()));
    }
    assert_eq!(story.told(), ["* warning: the port is taken\\u{7}"]);
}
