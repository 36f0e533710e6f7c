//! What the simulator switches: bugs planted one at a time, to show that it would find them, and
//! cryptography that costs nothing. Both hold for the whole process.
//!
//! A place where a bug is planted is found by its name: `planted!(NonceReused)`.

use alloc::collections::BTreeMap;
use core::{
    cell::RefCell,
    sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed},
};
use std::thread_local;
use zeroize::Zeroizing;

/// The planted bug, counted from one.
static PLANTED: AtomicU8 = AtomicU8::new(0);
static NULL_CRYPTO: AtomicBool = AtomicBool::new(false);

/// Plants a bug instead of the one before, or none.
pub fn plant(bug: Option<Bug>) {
    PLANTED.store(bug.map_or(0, |bug| bug as u8 + 1), Relaxed);
}

pub(crate) fn is_planted(bug: Bug) -> bool {
    PLANTED.load(Relaxed) == bug as u8 + 1
}

/// Replaces cryptography by checksums, or puts it back. Nothing that was made before, be it an
/// identity or a client, is of any use afterwards.
///
/// What was sealed is then readable, but still refused if it was changed or is under another key.
pub fn use_null_crypto(wanted: bool) {
    NULL_CRYPTO.store(wanted, Relaxed);
}

pub(crate) fn uses_null_crypto() -> bool {
    NULL_CRYPTO.load(Relaxed)
}

/// What the owners of two public keys have in common.
type Agreed = BTreeMap<[[u8; 32]; 2], Option<Zeroizing<[u8; 32]>>>;

thread_local! {
    static AGREED: RefCell<Agreed> = RefCell::default();
}

/// So many are remembered: those of a few handshakes at a time.
const MAX_AGREED: usize = 256;

/// What the owner of the key `own` has in common with the one of `other`. Both are in this
/// process, and most of its time would go into computing for the second of them what was computed
/// for the first.
pub(crate) fn agreed(
    own: &[u8; 32],
    other: &[u8; 32],
    agree: impl Fn() -> Option<Zeroizing<[u8; 32]>>,
) -> Option<Zeroizing<[u8; 32]>> {
    let pair = [*own.min(other), *own.max(other)];
    AGREED.with_borrow_mut(|agreed| {
        if agreed.len() >= MAX_AGREED {
            agreed.clear();
        }
        agreed.entry(pair).or_insert_with(agree).clone()
    })
}

/// Defines the bugs: the name in the code, the name on the command line, what goes wrong.
macro_rules! bugs {
    ($( $bug:ident = $name:literal: $description:literal, )*) => {
        /// A single fault that can be planted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Bug {
            $( #[doc = $description] $bug, )*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[ $( Self::$bug, )* ];

            /// What it is called on a command line.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$bug => $name, )* }
            }

            /// What goes wrong, in a sentence.
            pub const fn description(self) -> &'static str {
                match self { $( Self::$bug => $description, )* }
            }
        }
    };
}

impl Bug {
    /// The bug that is called so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bug| bug.name() == name)
    }
}

bugs! {
    // The link.
    NoRetransmission = "no-retransmission":
        "What was lost is not sent again.",
    RetransmissionGivenUp = "retransmission-given-up":
        "What was lost is not sent again after two timeouts in a row.",
    AckOneTooMany = "ack-one-too-many":
        "A range of acknowledged packets begins one too low.",
    LostBytesStayInFlight = "lost-bytes-stay-in-flight":
        "The bytes of lost packets take up room in the congestion window for ever.",
    NonceReused = "nonce-reused":
        "Every thirty-second packet has the nonce of the one before it.",
    FragmentTakenTwice = "fragment-taken-twice":
        "A fragment that comes again is put into the message again.",
    FragmentsAsTheyCome = "fragments-as-they-come":
        "Fragments are joined in the order of their arrival.",
    LateFragmentKept = "late-fragment-kept":
        "A fragment of a message that was delivered blocks its stream.",
    StreamGapSkipped = "stream-gap-skipped":
        "A message that overtakes another one on its stream takes its place.",
    StreamOrderReversed = "stream-order-reversed":
        "Messages that become complete together are delivered last one first.",
    HandshakeNotRepeated = "handshake-not-repeated":
        "The first message of a handshake is sent once.",
    RestartUnnoticed = "restart-unnoticed":
        "The streams go on when the peer has begun anew.",
    IdleSessionClosedEarly = "idle-session-closed-early":
        "A session is closed after a sixty-fourth of the time that it may be idle.",
    PathMovedUnvalidated = "path-moved-unvalidated":
        "Whatever address the latest packet comes from is believed.",

    // The store's operations.
    OperationNotRepeated = "operation-not-repeated":
        "An operation of the store that was not completed is not repeated.",
    RepeatedCompletionPanics = "repeated-completion-panics":
        "A completion that comes twice ends the program.",

    // The client.
    InboxAcceptedBeforeDurable = "inbox-accepted-before-durable":
        "What has arrived is accepted before it is durable.",
    InboxTakesTwice = "inbox-takes-twice":
        "The inbox takes a message again when it comes again.",
    DuplicateNotAccepted = "duplicate-not-accepted":
        "A message that was shown already is not accepted when it comes again.",
    CursorNotSaved = "cursor-not-saved":
        "How far the screen has shown the inbox is not kept.",
    CursorOneTooFar = "cursor-one-too-far":
        "What is kept of the screen's cursor is one too far.",
    HeldLostAtRestart = "held-lost-at-restart":
        "Which direct messages a group holds back is not kept.",
    HeldNotReleased = "held-not-released":
        "Direct messages that a group has held back are not shown when it is left.",
    NoticesNotReleased = "notices-not-released":
        "Notifications that wait for kept mail are not shown after it.",
    OutboxRemovedEarly = "outbox-removed-early":
        "A message leaves the durable outbox when it is submitted.",
    OutboxNotRestored = "outbox-not-restored":
        "The outbox is empty after a restart.",
    LaterWriteLost = "later-write-lost":
        "A change of a record that is just being written is not written.",
    KeptBeforeDurable = "kept-before-durable":
        "A message is announced as kept before it is durable.",
    OutboxLimitIgnored = "outbox-limit-ignored":
        "Any number of messages may be owed.",
    NoFallback = "no-fallback":
        "A message without an ack waits for its recipient a thousand times longer.",
    LaneIgnored = "lane-ignored":
        "Messages go directly while earlier ones are still at the server.",
    NotSubmittedAgain = "not-submitted-again":
        "What the server has not answered is not submitted again after a registration.",
    ExistsTakenForReceipt = "exists-taken-for-receipt":
        "The server's word that a recipient is there is shown as its receipt.",
    NotificationShownTwice = "notification-shown-twice":
        "A notification that comes again is shown again.",
    TwoFinalStates = "two-final-states":
        "A late ack is shown although the server's word on the message was.",
    ServerRestartIgnored = "server-restart-ignored":
        "A client does not register again when the server has begun anew.",
    LostForGood = "lost-for-good":
        "A client that has lost the server does not try to come back.",
    KeepaliveNotSent = "keepalive-not-sent":
        "An idle client does not ask whether the server is there.",
    TableEntryNotUpdated = "table-entry-not-updated":
        "A name that is known as offline does not come online in the client's table.",
    TableAddressNotUpdated = "table-address-not-updated":
        "The first address of a name stays in the client's table.",
    DeltaTakenForWhole = "delta-taken-for-whole":
        "A change of the table removes every name that it does not mention.",
    NoticeTimerNotCleared = "notice-timer-not-cleared":
        "The notice that the table has changed stays due for ever.",

    // The server.
    PostAcceptedBeforeDurable = "post-accepted-before-durable":
        "A message to a group or everyone is accepted before it is durable.",
    SavedBeforeDurable = "saved-before-durable":
        "A message is reported as saved before it is durable.",
    JoinedBeforeDurable = "joined-before-durable":
        "A user is told that it has joined a group before that is durable.",
    MailNotHandedOut = "mail-not-handed-out":
        "The mailbox is not read when its owner registers.",
    MailTrimmedEarly = "mail-trimmed-early":
        "Mail is removed when it is sent, before it is accepted.",
    MailTrimmedTooFar = "mail-trimmed-too-far":
        "One entry more than was accepted is removed from a mailbox.",
    MemberCursorTooEarly = "member-cursor-too-early":
        "A member counts as having read what was sent, before it is accepted.",
    AbsenceForgotten = "absence-forgotten":
        "A member that comes back misses what was sent meanwhile.",
    LiveBeforeCaughtUp = "live-before-caught-up":
        "Live delivery begins before what was kept is accepted.",
    LiveDeliveryUnordered = "live-delivery-unordered":
        "Live entries travel on streams of their own.",
    OneReaderSkipped = "one-reader-skipped":
        "The first reader of a log is not told that an entry has arrived.",
    EchoToSender = "echo-to-sender":
        "A message to a group or everyone is delivered to its sender too.",
    AcceptanceNotSettled = "acceptance-not-settled":
        "Accepted mail stays unread when its receipt is durable.",
    ReceiptNotMade = "receipt-not-made":
        "No receipt is made for accepted mail.",
    ReceiptWithoutDelivery = "receipt-without-delivery":
        "The receipt is made when mail is sent, whether it is accepted or not.",
    ReceiptForChannel = "receipt-for-channel":
        "Messages to everyone yield receipts.",
    JoinReadsHistory = "join-reads-history":
        "A new member gets what was said before it joined.",
    LeaveKeepsMembership = "leave-keeps-membership":
        "Whoever leaves a group stays its member.",
    LeaveKeepsDelivering = "leave-keeps-delivering":
        "Whoever leaves a group still gets what is said there.",
    MembershipNotTold = "membership-not-told":
        "A member that registers again is not told of its group.",
    TableDeltaLost = "table-delta-lost":
        "When clients lack different changes of the table, only some get theirs.",
    MoveNotAnnounced = "move-not-announced":
        "Nobody is told that a user has another address.",
}
