//! The hash ring behind `CONSISTENT_HASH`.

use crate::harness::{Outcome, Tally, same};
use rmqsim::cluster::consumer::allocate::consistent_hash::{ConsistentHashRouter, ring_hash};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Ring {
    nodes: Vec<String>,
    v: u32,
    ring_size: usize,
    first_ring_hash: Option<u32>,
    keys: Vec<String>,
    route: Vec<i64>,
    after_remove_0: Option<Vec<i64>>,
    after_readd_0_with_3_then_2: Option<Vec<i64>>,
    replicas_of_0: Option<u32>,
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.section(file, "hash", |(key, hash): (String, u32)| {
        same("hash", hash, ring_hash(&key))
    });
    tally.section(file, "routers", ring);
}

fn ring(case: Ring) -> Outcome {
    let mut ring = ConsistentHashRouter::default();
    for node in &case.nodes {
        ring.add_node(node, case.v);
    }
    let routes = |ring: &ConsistentHashRouter<'_>| -> Vec<i64> {
        let position = |key| {
            ring.route(key)
                .and_then(|at| case.nodes.iter().position(|node| node == at))
        };
        case.keys
            .iter()
            .map(|key| position(key).map_or(-1, |at| at as i64))
            .collect()
    };
    same("ring size", case.ring_size, ring.places().len())?;
    same("first place", case.first_ring_hash, ring.places().next())?;
    same("route", &case.route, &routes(&ring))?;
    let Some(first) = case.nodes.first() else {
        return Ok(());
    };
    if let Some(expected) = &case.after_remove_0 {
        ring.remove_node(first);
        same("after removal", expected, &routes(&ring))?;
    }
    if let Some(expected) = &case.after_readd_0_with_3_then_2 {
        ring.add_node(first, 3);
        ring.add_node(first, 2);
        same("after return", expected, &routes(&ring))?;
    }
    match case.replicas_of_0 {
        Some(expected) => same("replicas", expected, ring.existing_replicas(first)),
        None => Ok(()),
    }
}
