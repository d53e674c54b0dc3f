//! A chat for a terminal: an example of what `Node` and `Group` are for.
//!
//! ```text
//!  keyboard or lines ─┐                                     ┌─▶ view ──▶ screen
//!  signals ───────────┼─▶ driver ─ Happening ─▶ model::Chat ┤
//!  node, group ───────┘      ▲                      │       └─▶ lines ─▶ standard output
//!                            └────────── Effect ────┘
//! ```
//!
//! The model and the view are pure: tests feed them lists of events and look at frames. Text from
//! others goes through [`text`] before anything shows it.

mod args;
mod clock;
mod driver;
mod failure;
mod input;
mod keyboard;
mod lines;
mod log;
mod model;
mod people;
mod screen;
mod signals;
mod text;
mod view;

use args::{Args, Wanted};
use cenacle::Node;
use clock::Clock;
use driver::Driver;
use failure::Failure;
use lines::Lines;
use model::{Chat, Effect, Happening};
use screen::Screen;
use std::future::poll_fn;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::task::Poll;
use view::Look;

/// So much is taken in before the screen is drawn again: whoever is flooded still sees something.
const BATCH: usize = 256;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if failure.status() != 0 {
                // Where even this cannot be written, the status has to do.
                let _ = writeln!(std::io::stderr(), "chat: {failure}");
            }
            ExitCode::from(failure.status())
        }
    }
}

fn run() -> Result<(), Failure> {
    let args = match args::parse(std::env::args_os())? {
        Wanted::Chat(args) => args,
        Wanted::Text(text) => return Ok(write!(std::io::stdout(), "{text}")?),
    };
    let (config, group) = args::configuration(&args)?;
    let signals = signals::watch()?;
    futures::executor::block_on(async {
        let node = Node::start(config).await;
        let node = node.map_err(|error| Failure::Failed(error.to_string()))?;
        let ran = talk(&args, &node, group, signals).await;
        // However it ended, the others are told.
        node.stop().await;
        ran
    })
}

async fn talk(
    args: &Args,
    node: &Node,
    group: String,
    signals: futures::channel::mpsc::Receiver<Happening>,
) -> Result<(), Failure> {
    let mut chat = Chat::new(&group);
    let mut front = Front::new(args.plain, &mut chat)?;
    let input = match &front {
        Front::Screen(_) => keyboard::start()?,
        Front::Lines(_) => lines::start(std::io::stdin())?,
    };
    let mut driver = Driver::new((node, group), input, signals);
    driver.perform(Effect::Join);
    while !(chat.ending && driver.has_stopped()) {
        front.show(&chat)?;
        let happening = poll_fn(|cx| driver.poll_next(cx, chat.wants_input())).await;
        take_in(&mut chat, &mut driver, &mut front, happening)?;
        for _ in 0..BATCH {
            let next = poll_fn(|cx| Poll::Ready(driver.poll_next(cx, chat.wants_input()))).await;
            let Poll::Ready(happening) = next else { break };
            take_in(&mut chat, &mut driver, &mut front, happening)?;
        }
    }
    front.show(&chat)?;
    drop(front);
    chat.failure().map_or(Ok(()), |why| Err(Failure::Failed(why.to_owned())))
}

fn take_in(
    chat: &mut Chat,
    driver: &mut Driver<'_>,
    front: &mut Front,
    (now_us, happening): (u64, Happening),
) -> Result<(), Failure> {
    let mut effects = Vec::new();
    chat.handle(now_us, happening, &mut effects);
    for effect in effects {
        match effect {
            Effect::Redraw => front.clear()?,
            Effect::Quit => {
                signals::give_up_in_time();
                driver.perform(Effect::Quit);
            }
            other => driver.perform(other),
        }
    }
    Ok(())
}

/// Where the chat is shown.
enum Front {
    Screen(Box<Screen>),
    Lines(Lines<std::io::Stdout>),
}

impl Front {
    fn new(plain: bool, chat: &mut Chat) -> Result<Self, Failure> {
        let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let clock = Clock::local();
        if plain || is_dumb || !is_terminal {
            chat.ends_with_the_group = true;
            return Ok(Self::Lines(Lines::new(std::io::stdout(), clock)));
        }
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let screen = Screen::take(Look { clock, colours: !unwanted })?;
        chat.size = screen.size();
        Ok(Self::Screen(Box::new(screen)))
    }

    fn show(&mut self, chat: &Chat) -> Result<(), Failure> {
        match self {
            Self::Screen(screen) => screen.show(chat)?,
            Self::Lines(lines) => lines.show(chat)?,
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Failure> {
        if let Self::Screen(screen) = self {
            screen.clear()?;
        }
        Ok(())
    }
}
