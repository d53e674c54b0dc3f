//! The ways in which the toy can be wrong.

/// What is wrong with a toy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// Its descriptor has a name that is none.
    BadName,
    /// It takes no members.
    NoMembers,
    /// It calls itself a policy.
    OtherKind,

    /// The new secret goes out under the key of the last view as well.
    UnderOldKey,
    /// The same with a node of a tree between the old key and the new secret.
    OverOldNode,
    /// A member's share follows from its position.
    ShareByPosition,
    /// So do pairwise keys.
    PairwiseByPosition,

    /// Always the same secret.
    SameSecret,
    /// The secret follows from who is in the view, so it comes back with them.
    SecretOfMembers,
    /// No secret in views of five.
    StuckInFive,
    /// The last of five has another secret.
    DiffersInFive,
    /// What came in a run that was interrupted is used in the next.
    KeepsInterrupted,
    /// The base class takes its own oldest member for the first of the view.
    TakesBaseForFirst,
    /// Two secrets in one run.
    InstallsTwice,
    /// A unicast to itself.
    SendsToItself,
    /// A unicast to a position outside the view.
    SendsToNobody,
    /// An offer in answer to a change.
    OffersUnasked,
    /// A message in answer to a request to offer.
    AnswersOfferWithMessage,
    /// It wants to be resumed whenever it was.
    ResumesForEver,

    /// What a message changed before it was refused stays so.
    HalfDone,
    /// Actions along with an error.
    TalksWhileRefusing,
    /// A message with a byte behind it.
    TakesMore,
    /// A share that came before.
    HearsTwice,
    /// A message that it cannot read is no error.
    IgnoresForeign,
    /// A message that it cannot read makes it panic.
    PanicsOnForeign,

    /// A confirmation of nothing.
    ConfirmsNothing,
    /// A resumption of nothing.
    ResumesNothing,
    /// A message without a run.
    HearsWithoutRun,
    /// A message from outside the view.
    HearsStrangers,
    /// A message from outside the view makes it panic.
    PanicsOnStrangers,
    /// A view of any size.
    TakesAnySize,
    /// A class that it was not in is called its own bug.
    BlamesItself,

    /// Its contract is not what it costs.
    Lies(Lie),
    /// Nor is what it says of channels and acknowledgements: which column is one too many.
    LiesApart(usize),
}

/// In which column of the contract it lies, by how much, and whether it only names a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lie {
    pub(crate) column: usize,
    pub(crate) by: i32,
    pub(crate) bound: bool,
}

impl Flaw {
    /// Whether it lies in what `Atomic` does for protocols.
    pub(super) fn is_of_the_shell(self) -> bool {
        matches!(
            self,
            Self::HalfDone
                | Self::TalksWhileRefusing
                | Self::HearsWithoutRun
                | Self::HearsStrangers
                | Self::PanicsOnStrangers
                | Self::TakesAnySize
        )
    }
}
