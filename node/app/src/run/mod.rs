//! `cenacle run` and `cenacle join`: a node whose events are lines and whose commands are lines.
//!
//! ```text
//!  standard input ── input (a thread) ──▶ session ──▶ output ──▶ standard output
//!                                          │   ▲
//!                                 commands ▼   │ events
//!                                           Node
//!  SIGINT, SIGTERM ────────────────────────▶ stops, and the session ends with it
//! ```
//!
//! Nothing is kept between these: a reader that stops makes `session` stand in its write, the node's
//! groups are not read, and the engine holds the others back.

mod input;
mod lane;
mod output;
mod session;
mod signals;

use crate::failure::Failure;
use crate::screen::Screen;
use crate::{args, configured};
use cenacle::config::Config;
use cenacle::{Builder, Error, Node};
use cenacle_core::GroupName;
use input::Input;
use output::Output;
use session::{Kind, Session};

/// Which groups, and what the input's lines are.
pub(crate) struct Request {
    /// All of the configuration's groups, or this one.
    pub(crate) group: Option<String>,
    /// Events and commands as JSON.
    pub(crate) json: bool,
}

/// Runs a node until it is told to stop.
pub(crate) fn run(
    configured: &args::Configured,
    request: &Request,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    crate::logging::start();
    let config = configured::load(configured)?;
    let groups = groups(&config, request)?;
    config.remarks().iter().for_each(|remark| log::info!("{remark}"));
    let kind = match (&request.group, request.json) {
        (Some(group), false) => Kind::Messages(group.clone()),
        _ => Kind::Commands,
    };
    async_std::task::block_on(async {
        let node = start(&config).await.map_err(failed)?;
        signals::watch(node.stopper())?;
        let input = Input::start(std::io::stdin())?;
        let output = Output::new(screen, request.json);
        let ran = Session::new((&node, config.node().listen.len()), input, kind, output)
            .run(&groups)
            .await;
        // However it ended, the others are told.
        node.stop().await;
        ran
    })
}

async fn start(config: &Config) -> Result<Node, Error> {
    Builder::from_config(config)?.start().await
}

fn groups(config: &Config, request: &Request) -> Result<Vec<GroupName>, Failure> {
    match &request.group {
        Some(wanted) => Ok(vec![configured::group(config, wanted)?.name.clone()]),
        None => Ok(config.groups().iter().map(|group| group.name.clone()).collect()),
    }
}

fn failed(error: Error) -> Failure {
    Failure::Failed(error.to_string())
}
