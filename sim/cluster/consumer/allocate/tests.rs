//! What all strategies share: refusals, defaults, names.

use super::*;

struct Numbers;

impl Names<u32, &'static str> for Numbers {
    fn queue<'n>(&'n self, queue: &'n u32) -> QueueName<'n> {
        QueueName {
            topic: "orders",
            broker_name: "broker-a",
            queue_id: *queue as i32,
        }
    }
    fn client<'n>(&'n self, client: &'n &'static str) -> &'n str {
        client
    }
}

#[track_caller]
fn check(
    me: Option<&'static str>,
    queues: &[u32],
    clients: &[&'static str],
    expected: Result<Vec<u32>, AllocateError>,
) {
    let ask = Allocation {
        consumer_group: "billing",
        current_cid: me.as_ref(),
        mq_all: queues,
        cid_all: clients,
        names: &Numbers,
        beyond: Beyond::default(),
    };
    for word in Strategy::words() {
        let strategy = Strategy::of_word(&word).unwrap().build(|_| Vec::new());
        assert_eq!(strategy.allocate(&ask), expected, "{word}");
    }
}

/// The first thing missing is the one named: own id, then queues, then members.
#[test]
fn missing_arguments_are_refused_in_order() {
    check(None, &[], &[], Err(AllocateError::CurrentCidEmpty));
    check(Some(""), &[1], &["c"], Err(AllocateError::CurrentCidEmpty));
    check(Some("c"), &[], &[], Err(AllocateError::MqAllEmpty));
    check(Some("c"), &[1], &[], Err(AllocateError::CidAllEmpty));
}

/// A stranger is no error: it owns nothing.
#[test]
fn stranger_gets_nothing() {
    check(Some("x"), &[0, 1], &["a", "b"], Ok(vec![]));
}

/// A strategy that says no more than it must.
struct FirstTakesAll;

impl<Q: Clone, C: PartialEq> AllocateMessageQueueStrategy<Q, C> for FirstTakesAll {
    fn name(&self) -> &str {
        "FIRST_TAKES_ALL"
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        share_of(ask, |rank| {
            if rank == 0 {
                ask.mq_all.to_vec()
            } else {
                Vec::new()
            }
        })
    }
}

/// All shares at once are those of one member after another, the first refusal that of all.
#[test]
fn a_rule_of_your_own_needs_a_name_and_a_share() {
    let all = |cid_all: &[&'static str]| {
        FirstTakesAll.allocate_all(&Allocation {
            consumer_group: "billing",
            current_cid: None,
            mq_all: &[4, 5],
            cid_all,
            names: &Numbers,
            beyond: Beyond::default(),
        })
    };
    assert_eq!(all(&["a", "b", "c"]), Ok(vec![vec![4, 5], vec![], vec![]]));
    assert_eq!(all(&["a", "", "c"]), Err(AllocateError::CurrentCidEmpty));
}

/// Nobody knows better: all weigh the same, and a room is what stands before the first dash.
#[test]
fn weights_are_equal_and_rooms_stand_in_names() {
    assert_eq!(["a", "b"].map(|client| Numbers.weight(&client)), [1, 1]);
    let room = |id| Numbers.client_room(&id).to_owned();
    assert_eq!([room("hz-rack-7"), room("hz"), room("-7")], ["hz", "hz", ""]);
    assert_eq!(
        Texts.broker_room(&MessageQueue::new("orders", "sh-broker-a", 0)),
        "sh"
    );
}

/// Java's own words, but for `MACHINE_ROOM` without rooms, where it stumbles.
#[test]
fn refusals_read_as_exceptions() {
    let texts = [
        AllocateError::MqAllEmpty,
        AllocateError::VirtualNodes(-1),
        AllocateError::RoomsNotSet,
    ];
    assert_eq!(
        texts.map(|error| error.exception()),
        [
            "IllegalArgumentException: mqAll is null or mqAll empty",
            "IllegalArgumentException: illegal virtualNodeCnt :-1",
            "NullPointerException",
        ]
    );
}
