//! The four modules: what they say of themselves, and how instances are made.

use super::super::MAX_MEMBERS;
use super::costs;
use super::dist::Dist;
use super::handout::{Handout, Shape};
use super::opening::Opening;
use super::wgl::Wgl;
use cenacle_dh::{Calculator, GroupId, with_group};
use cenacle_plugin::{
    Apart, Atomic, Descriptor, Error, Executor, Expected, KeyAgreement, KeyAgreementModule,
    OptionSpec, OptionType, Options, Order, Properties, Scenario, Value,
};
use std::sync::Arc;

/// Degrees of the tree of acknowledgements: six is the papers' (paper 000, section 3). Two is the
/// least that is a tree; more than 64 children are the implosion that the tree is there to avoid.
pub(super) const ACK_DEGREE: i64 = 6;
const MIN_ACK_DEGREE: i64 = 2;
const MAX_ACK_DEGREE: i64 = 64;

/// Which of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Basic,
    Binary,
    Dist,
    Wgl,
}

impl Scheme {
    const ALL: [Self; 4] = [Self::Basic, Self::Binary, Self::Dist, Self::Wgl];

    fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Binary => "binary",
            Self::Dist => "dist",
            Self::Wgl => "wgl",
        }
    }

    fn summary(self) -> &'static str {
        match self {
            Self::Basic => {
                "Ensemble's Basic: the oldest member chooses the key and sends it to each other \
                 member over cached secure channels; the least work while that member stays"
            }
            Self::Binary => {
                "Ensemble's Binary: the key goes down a binary tree of cached secure channels; \
                 nobody needs more than three of them"
            }
            Self::Dist => {
                "Ensemble's Dist: a key graph that its members keep and mend together; a change \
                 costs about the same whoever goes, the oldest member too"
            }
            Self::Wgl => {
                "the key graph of Wong, Gouda and Lam, kept by the oldest member alone: one \
                 multicast a change, until that member goes"
            }
        }
    }
}

/// The four modules, over these groups.
pub(in super::super) fn modules(groups: &[&str]) -> Vec<Arc<dyn KeyAgreementModule>> {
    Scheme::ALL
        .into_iter()
        .map(|scheme| -> Arc<dyn KeyAgreementModule> { Arc::new(Module::new(scheme, groups)) })
        .collect()
}

/// One of the four.
struct Module {
    scheme: Scheme,
    descriptor: Descriptor,
}

impl Module {
    fn new(scheme: Scheme, groups: &[&str]) -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let mut options = vec![
            OptionSpec {
                name: "group".to_owned(),
                help: "the group in which Diffie-Hellman is done".to_owned(),
                kind: OptionType::Choice(words(groups)),
                default: Value::Text(GroupId::Ristretto255.name().to_owned()),
            },
            OptionSpec {
                name: "ack_degree".to_owned(),
                help: "how many members acknowledge to one".to_owned(),
                kind: OptionType::Integer { min: MIN_ACK_DEGREE, max: MAX_ACK_DEGREE },
                default: Value::Integer(ACK_DEGREE),
            },
        ];
        options.push(OptionSpec {
            name: "cache".to_owned(),
            help: "whether channels are kept for later changes while both ends stay".to_owned(),
            kind: OptionType::Bool,
            default: Value::Bool(true),
        });
        if scheme == Scheme::Binary {
            options.push(OptionSpec {
                name: "set_up".to_owned(),
                help: "when channels that are missing are set up: all ahead, or each as-needed, \
                       when the key has come to its upper end (the paper's way)"
                    .to_owned(),
                kind: OptionType::Choice(words(&["ahead", "as-needed"])),
                default: Value::Text("ahead".to_owned()),
            });
        }
        let descriptor = Descriptor {
            name: scheme.name().to_owned(),
            version: "1".to_owned(),
            summary: scheme.summary().to_owned(),
            properties: Properties::KeyAgreement {
                contributory: false,
                key_independence: false,
                perfect_forward_secrecy: true,
                needs_order: Order::Fifo,
                max_members: MAX_MEMBERS,
            },
            options,
        };
        Self { scheme, descriptor }
    }
}

impl KeyAgreementModule for Module {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn create(
        &self,
        options: &Options,
        executor: Arc<dyn Executor>,
    ) -> Result<Box<dyn KeyAgreement>, Error> {
        let name = options.text("group").unwrap_or(GroupId::Ristretto255.name());
        let id = GroupId::any(name).ok_or_else(|| Error::BadOption {
            name: "group",
            why: format!("{name:?} is no group of this build"),
        })?;
        let degree = options.integer("ack_degree").unwrap_or(ACK_DEGREE);
        let degree = u32::try_from(degree).map_err(|_| Error::BadOption {
            name: "ack_degree",
            why: "it is a small positive number".to_owned(),
        })?;
        let opening = Opening::new(degree, options.bool("cache").unwrap_or(true))?;
        let most = MAX_MEMBERS as usize;
        let ahead = options.text("set_up") != Some("as-needed");
        Ok(with_group!(id, G => {
            let calculator = Calculator::<G>::new(executor);
            match self.scheme {
                Scheme::Basic => {
                    Box::new(Atomic::new(Handout::new(Shape::Star, calculator, opening), most))
                }
                Scheme::Binary => {
                    let shape = Shape::Binary { ahead };
                    Box::new(Atomic::new(Handout::new(shape, calculator, opening), most))
                }
                Scheme::Dist => Box::new(Atomic::new(Dist::new(calculator, opening), most)),
                Scheme::Wgl => Box::new(Atomic::new(Wgl::new(calculator, opening), most)),
            }
        }))
    }

    fn expected(&self, scenario: &Scenario) -> Option<Expected> {
        Some(costs::expected(self.scheme, scenario))
    }

    fn expected_apart(&self, scenario: &Scenario) -> Option<Apart> {
        Some(costs::expected_apart(self.scheme, scenario))
    }
}
