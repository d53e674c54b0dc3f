//! `cenacle invite`: a place in a group, for a peer that the group does not know.

use crate::args;
use crate::configured;
use crate::failure::Failure;
use crate::id;
use crate::screen::Screen;
use cenacle::config::{Config, GroupSettings};
use cenacle_builtin::{Draft, Invitation, MAX_HOLDERS, peer_key};
use cenacle_net::Identity;
use cenacle_plugin::{JoinRequest, Member, MemberId, Verdict, parse_duration};
use serde::Serialize;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long an invitation may be good. What is shorter is over before it is read; ten years are as
/// good as no end, and still one.
const EXPIRES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3650 * 86_400));

/// What scripts get. The names of the fields are a contract.
#[derive(Serialize)]
struct Line<'a> {
    overlay: &'a str,
    group: &'a str,
    issuer: String,
    holders: Vec<&'a str>,
    /// Seconds since 1970.
    expires_s: u64,
    invitation: String,
}

/// A peer that is invited.
struct Holder<'a> {
    peer: &'a str,
    key: [u8; 32],
}

/// Prints an invitation.
pub(crate) fn run(words: &args::Invite, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let holders = holders(&words.holders)?;
    let lasts = lasts(&words.expires)?;
    let config = configured::load(&words.configured)?;
    let group = configured::group(&config, &words.group)?;
    let identity = id::identity(&config)?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut keys: Vec<_> = holders.iter().map(|holder| holder.key).collect();
    keys.sort_unstable();
    let mut id = [0; 16];
    getrandom::fill(&mut id)
        .map_err(|error| Failure::Failed(format!("no random bytes ({error}): try again")))?;
    let draft = Draft {
        overlay: config.overlay().name.clone(),
        group: group.name.as_str().to_owned(),
        issuer: identity.public_key(),
        holders: keys,
        id,
        expires_s: now_s.saturating_add(lasts.as_secs()),
    };
    let expires_s = draft.expires_s;
    let invitation = sign(&identity, draft)?.to_string();
    for holder in &holders {
        is_wanted((&config, group), holder, &invitation, now_s)?;
    }
    if !words.json {
        writeln!(screen, "{invitation}")?;
        return Ok(());
    }
    let line = Line {
        overlay: &config.overlay().name,
        group: group.name.as_str(),
        issuer: identity.peer_id().to_string(),
        holders: holders.iter().map(|holder| holder.peer).collect(),
        expires_s,
        invitation,
    };
    serde_json::to_writer(&mut *screen, &line).map_err(std::io::Error::from)?;
    writeln!(screen)?;
    Ok(())
}

fn holders(words: &[String]) -> Result<Vec<Holder<'_>>, Failure> {
    if words.len() > MAX_HOLDERS {
        let usage = format!("--for takes up to {MAX_HOLDERS} peers: make several invitations");
        return Err(Failure::Usage(usage));
    }
    let mut holders: Vec<Holder<'_>> = Vec::new();
    for peer in words {
        let key = peer_key(peer).map_err(|why| {
            let usage = "take it from what `cenacle id` prints on that machine";
            Failure::Usage(format!("--for {peer:?} is no peer id, {why}: {usage}"))
        })?;
        if holders.iter().any(|holder| holder.key == key) {
            return Err(Failure::Usage(format!("--for has {peer} twice: leave one out")));
        }
        holders.push(Holder { peer, key });
    }
    Ok(holders)
}

fn lasts(text: &str) -> Result<Duration, Failure> {
    let (least, most) = EXPIRES;
    parse_duration(text).filter(|time| (least..=most).contains(time)).ok_or_else(|| {
        let takes = "a duration such as \"7d\" (units ms, s, m, h, d) from 1s to 3650d";
        Failure::Usage(format!("--expires takes {takes}, not {text:?}"))
    })
}

fn sign(identity: &Identity, draft: Draft) -> Result<Invitation, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let signed = draft.to_be_signed().map_err(|error| failed(&error))?;
    let signature = identity.sign(&signed).map_err(|error| failed(&error))?;
    Invitation::new(draft, signature).map_err(|error| failed(&error))
}

/// Asks the group's policy, as the members will: an invitation that they would refuse, or not look at,
/// is not made.
fn is_wanted(
    (config, group): (&Config, &GroupSettings),
    holder: &Holder<'_>,
    invitation: &str,
    now_s: u64,
) -> Result<(), Failure> {
    let name = group.name.as_str();
    if group.insecure {
        return Err(Failure::Failed(format!(
            "group {name:?} is insecure and has no policy: it takes whoever comes, without invitation"
        )));
    }
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let policy = group.modules.policy.create().map_err(|error| failed(&error))?;
    let id = MemberId::new(&holder.key).map_err(|error| failed(&error))?;
    let request = JoinRequest {
        overlay: config.overlay().name.clone(),
        group: name.to_owned(),
        member: Member { id, public_key: holder.key },
        evidence: invitation.as_bytes().to_vec(),
        time_s: now_s,
        used: Vec::new(),
    };
    match policy.admit(&request) {
        Verdict::Allow if !policy.uses(&request).is_empty() => Ok(()),
        Verdict::Allow => Err(Failure::Failed(format!(
            "the policy of group {name:?} lets peer {} in without an invitation",
            holder.peer
        ))),
        Verdict::Refuse { detail, .. } => Err(Failure::Failed(format!(
            "the policy of group {name:?} would not let peer {} in by an invitation of this node: \
             {detail}",
            holder.peer
        ))),
    }
}
