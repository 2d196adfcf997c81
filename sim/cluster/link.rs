//! Links in trouble: cut, slow, or closed by the server.
//!
//! A healthy connection needs no state: what is sent arrives after its delay, in order. A link in trouble keeps
//! what is on it, one queue each way, because it may come late or not at all:
//!
//! - *cut* (partition, cable): nothing passes and nobody is told. To TCP that is a delay: what was sent waits and
//!   arrives when the link works again, unless the client gave the connection up meanwhile.
//! - *slow*: everything takes so much longer.
//! - *closed* by the server (the client was silent for too long): what either end sends is lost; the client
//!   learns of it when the end of the connection reaches it.
//!
//! When the trouble is over, or the client gone, and the queues are empty, the link is forgotten. Left out: the
//! doubling pauses of TCP's retransmission, which can keep a healed link silent for as long again as it was cut.

use crate::cluster::event::{Event, LinkSlot};
use crate::cluster::ids::{BrokerId, ConsumerId};
use crate::cluster::network::{Direction, Server};
use crate::cluster::slab::Slab;
use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::{BTreeMap, VecDeque};

/// All links in trouble.
#[derive(Debug, Default)]
pub struct Links {
    by_ends: BTreeMap<(ConsumerId, Server), LinkSlot>,
    links: Slab<Link>,
}

/// One of them.
#[derive(Debug)]
pub struct Link {
    /// The client.
    pub consumer: ConsumerId,
    /// The other end.
    pub server: Server,
    /// How many partitions lie on it.
    cuts: u32,
    /// How much longer everything takes.
    pub extra: SimDuration,
    /// The server has closed the connection and the client does not know it yet.
    pub closed: bool,
    /// When its client was gone.
    abandoned: Option<SimTime>,
    up: Way,
    down: Way,
}

/// What is on its way in one direction, in order; without a time while it cannot pass.
#[derive(Debug, Default)]
struct Way {
    queue: VecDeque<(Option<SimTime>, Event)>,
    /// Latest arrival so far.
    last: SimTime,
    /// The arrival of the head is scheduled.
    scheduled: bool,
}

impl Link {
    /// Whether nothing passes.
    pub fn is_cut(&self) -> bool {
        self.cuts > 0
    }

    fn way(&mut self, direction: Direction) -> &mut Way {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }

    /// Whether what is sent in this direction goes on its way. What a server sends on a connection that it has
    /// closed still queues behind the end of the connection, and is dropped with it. What it sends to a client that
    /// is gone need not wait: it comes to nothing, and sooner is better than never.
    fn passes(&self, direction: Direction) -> bool {
        match direction {
            Direction::Up => self.cuts == 0 && !self.closed,
            Direction::Down => self.cuts == 0 || self.abandoned.is_some(),
        }
    }

    /// Whether nothing is left to be seen to: the trouble is over, or its client is gone.
    fn is_calm(&self) -> bool {
        let idle = |way: &Way| way.queue.is_empty() && !way.scheduled;
        let whole = self.cuts == 0 && self.extra.is_zero() && !self.closed;
        (whole || self.abandoned.is_some()) && idle(&self.up) && idle(&self.down)
    }
}

impl Way {
    /// When the head arrives, if that is known and not scheduled.
    fn next(&mut self) -> Option<SimTime> {
        let head = self.queue.front().and_then(|(time, _)| *time)?;
        (!std::mem::replace(&mut self.scheduled, true)).then_some(head)
    }
}

impl Links {
    /// Whether there is no trouble anywhere.
    pub fn are_calm(&self) -> bool {
        self.by_ends.is_empty()
    }

    /// The link between these ends, if it is in trouble.
    pub fn find(&self, consumer: ConsumerId, server: Server) -> Option<LinkSlot> {
        self.by_ends.get(&(consumer, server)).copied()
    }

    /// Bytes that they hold, with what is on them.
    pub fn held(&self) -> u64 {
        let on = |way: &Way| memory::of_deque(&way.queue);
        let links = self.links.iter().map(|(_, link)| on(&link.up) + on(&link.down));
        memory::of_map(&self.by_ends) + self.links.held() + links.sum::<u64>()
    }

    /// The link at this place.
    pub fn get(&self, slot: LinkSlot) -> &Link {
        self.links.get(slot.0)
    }

    /// The link between these ends, to be troubled.
    pub fn trouble(&mut self, consumer: ConsumerId, server: Server) -> &mut Link {
        let links = &mut self.links;
        let slot = *self.by_ends.entry((consumer, server)).or_insert_with(|| {
            LinkSlot(links.insert(Link {
                consumer,
                server,
                cuts: 0,
                extra: SimDuration::ZERO,
                closed: false,
                abandoned: None,
                up: Way::default(),
                down: Way::default(),
            }))
        });
        self.links.get_mut(slot.0)
    }

    /// One more partition lies on the link; whether it was whole before.
    pub fn cut(&mut self, consumer: ConsumerId, server: Server) -> bool {
        let link = self.trouble(consumer, server);
        link.cuts += 1;
        link.cuts == 1
    }

    /// One partition less, if there is one; whether the link works again.
    pub fn heal(&mut self, consumer: ConsumerId, server: Server) -> bool {
        let Some(slot) = self.find(consumer, server) else {
            return false;
        };
        let link = self.links.get_mut(slot.0);
        let was_cut = link.cuts > 0;
        link.cuts = link.cuts.saturating_sub(1);
        was_cut && link.cuts == 0
    }

    /// The client knows that its connection has ended: the next one may be made. Whether the server had closed it.
    pub fn reopen(&mut self, consumer: ConsumerId, server: Server) -> bool {
        self.find(consumer, server)
            .is_some_and(|slot| std::mem::take(&mut self.links.get_mut(slot.0).closed))
    }

    /// The client of the link is gone. Whether the server had closed the connection.
    pub fn abandon(&mut self, slot: LinkSlot, now: SimTime) -> bool {
        let link = self.links.get_mut(slot.0);
        link.abandoned = Some(now);
        std::mem::take(&mut link.closed)
    }

    /// Clients that are gone and have left something on their links to `server`, and since when.
    pub fn abandoned(&self, server: Server) -> Vec<(ConsumerId, SimTime)> {
        let links = self.by_ends.iter().filter(|((_, end), _)| *end == server);
        links
            .filter_map(|((who, _), slot)| Some((*who, self.get(*slot).abandoned?)))
            .collect()
    }

    /// Puts `event` on the link; it would arrive at `arrival` if the link were whole. Returns when the head of the
    /// queue arrives, if that is to be scheduled.
    pub fn send(
        &mut self,
        slot: LinkSlot,
        direction: Direction,
        arrival: SimTime,
        event: Event,
    ) -> Option<SimTime> {
        let link = self.links.get_mut(slot.0);
        let (passes, extra) = (link.passes(direction), link.extra);
        let way = link.way(direction);
        let time = passes.then(|| (arrival + extra).max(way.last));
        way.last = time.unwrap_or(way.last);
        way.queue.push_back((time, event));
        way.next()
    }

    /// Sets what could not pass on its way; `arrival` is when something sent now arrives. Returns when the head of
    /// the queue arrives, if that is to be scheduled.
    pub fn release(&mut self, slot: LinkSlot, direction: Direction, arrival: SimTime) -> Option<SimTime> {
        let link = self.links.get_mut(slot.0);
        if !link.passes(direction) {
            return None;
        }
        let extra = link.extra;
        let way = link.way(direction);
        for (time, _) in way.queue.iter_mut().filter(|(time, _)| time.is_none()) {
            way.last = (arrival + extra).max(way.last);
            *time = Some(way.last);
        }
        way.next()
    }

    /// The scheduled arrival is due: what arrives, if it was not taken off the link meanwhile, and when the next
    /// one does, if that is to be scheduled.
    pub fn arrive(
        &mut self,
        slot: LinkSlot,
        direction: Direction,
        now: SimTime,
    ) -> (Option<Event>, Option<SimTime>) {
        let way = self.links.get_mut(slot.0).way(direction);
        way.scheduled = false;
        let is_due = way
            .queue
            .front()
            .is_some_and(|(time, _)| time.is_some_and(|time| time <= now));
        let event = if is_due {
            way.queue.pop_front().map(|(_, event)| event)
        } else {
            None
        };
        let next = way.next();
        self.forget_if_calm(slot);
        (event, next)
    }

    /// Takes what `lost` names off the link, both ways.
    pub fn purge(&mut self, slot: LinkSlot, lost: impl Fn(Direction, Event) -> bool) -> Vec<Event> {
        let link = self.links.get_mut(slot.0);
        let mut taken = Vec::new();
        for direction in [Direction::Up, Direction::Down] {
            link.way(direction).queue.retain(|(_, event)| {
                let lost = lost(direction, *event);
                if lost {
                    taken.push(*event);
                }
                !lost
            });
        }
        taken
    }

    /// Forgets the link if its trouble is over.
    pub fn forget_if_calm(&mut self, slot: LinkSlot) {
        let link = self.links.get(slot.0);
        if link.is_calm() {
            self.by_ends.remove(&(link.consumer, link.server));
            self.links.remove(slot.0);
        }
    }

    /// The links of a client that are in trouble.
    pub fn of(&self, consumer: ConsumerId) -> Vec<LinkSlot> {
        self.troubles(consumer).collect()
    }

    /// Whether any link of a client is in trouble.
    pub fn has_trouble(&self, consumer: ConsumerId) -> bool {
        self.troubles(consumer).next().is_some()
    }

    fn troubles(&self, consumer: ConsumerId) -> impl Iterator<Item = LinkSlot> {
        let first = (consumer, Server::Broker(BrokerId(0)));
        let links = self.by_ends.range(first..);
        links
            .take_while(move |((who, _), _)| *who == consumer)
            .map(|(_, slot)| *slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::event::PqSlot;

    const WHO: ConsumerId = ConsumerId(3);
    const SERVER: Server = Server::Broker(BrokerId(1));

    fn ms(n: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(n)
    }

    fn event(n: u32) -> Event {
        Event::PullDue(PqSlot(n))
    }

    /// Sent into a cut, nothing comes; after the healing all comes in order, and then the link is forgotten.
    #[test]
    fn a_cut_link_keeps_what_is_sent() {
        let mut links = Links::default();
        assert!(links.cut(WHO, SERVER) && !links.cut(WHO, SERVER));
        let slot = links.find(WHO, SERVER).unwrap();
        assert_eq!(links.send(slot, Direction::Up, ms(1), event(1)), None);
        assert_eq!(links.send(slot, Direction::Up, ms(2), event(2)), None);
        assert!(!links.heal(WHO, SERVER));
        assert_eq!(links.release(slot, Direction::Up, ms(8)), None);
        assert!(links.heal(WHO, SERVER));
        assert_eq!(links.release(slot, Direction::Up, ms(9)), Some(ms(9)));
        assert_eq!(
            links.arrive(slot, Direction::Up, ms(9)),
            (Some(event(1)), Some(ms(9)))
        );
        assert_eq!(links.arrive(slot, Direction::Up, ms(9)), (Some(event(2)), None));
        assert!(links.are_calm());
    }

    /// A cut that lasts keeps more and more, and the memory that this takes is counted.
    #[test]
    fn what_waits_on_a_link_is_counted() {
        let mut links = Links::default();
        assert_eq!(links.held(), 0);
        links.cut(WHO, SERVER);
        let (slot, empty) = (links.find(WHO, SERVER).unwrap(), links.held());
        for n in 0..100 {
            links.send(slot, Direction::Up, ms(n), event(n as u32));
        }
        let each = size_of::<(Option<SimTime>, Event)>() as u64;
        assert!(links.held() >= empty + 100 * each, "{}", links.held());
    }

    /// What is on the wire when the link is cut still arrives; what is purged does not.
    #[test]
    fn a_slow_link_delays_and_loses_what_is_purged() {
        let mut links = Links::default();
        links.trouble(WHO, SERVER).extra = SimDuration::from_millis(100);
        let slot = links.find(WHO, SERVER).unwrap();
        assert_eq!(links.send(slot, Direction::Down, ms(1), event(1)), Some(ms(101)));
        assert_eq!(links.send(slot, Direction::Down, ms(0), event(2)), None);
        links.cut(WHO, SERVER);
        let taken = links.purge(slot, |_, lost| lost == event(2));
        assert_eq!(taken, [event(2)]);
        assert_eq!(
            links.arrive(slot, Direction::Down, ms(101)),
            (Some(event(1)), None)
        );
        assert!(!links.are_calm());
    }

    /// A server that has closed the connection takes nothing more; the end of it still reaches the client.
    #[test]
    fn a_closed_link_takes_nothing_up() {
        let mut links = Links::default();
        links.trouble(WHO, SERVER).closed = true;
        let slot = links.find(WHO, SERVER).unwrap();
        assert_eq!(links.send(slot, Direction::Up, ms(1), event(1)), None);
        assert_eq!(links.send(slot, Direction::Down, ms(1), event(2)), Some(ms(1)));
        assert_eq!(links.of(WHO), [slot]);
        assert_eq!(links.of(ConsumerId(2)), []);
    }
}
