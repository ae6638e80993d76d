use interledger_packet::Address;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::testing::{address, asset, now, peer, peer_with, terms};

fn found(routes: &Routes, destination: &str, sender: Option<&Peer>) -> Found<String> {
    let seeker = Seeker { sender, ..Seeker::default() };
    match routes.find(address(destination).as_addr(), seeker, now()) {
        Found::Through(Chosen { peer, .. }, bytes) => {
            Found::Through(peer.terms().address.as_str().to_owned(), bytes)
        }
        Found::BackToSender => Found::BackToSender,
        Found::Nothing => Found::Nothing,
    }
}

#[test]
fn the_longest_prefix_of_whole_segments_wins() {
    let routes = Routes::new();
    for prefix in ["g.bob", "g.bob.savings", "g.carol"] {
        routes.add([prefix].into_iter(), &peer(prefix));
    }
    let through = |name: &str| Found::Through(name.to_owned(), name.len());
    assert_eq!(found(&routes, "g.bob", None), through("g.bob"));
    assert_eq!(found(&routes, "g.bob.x.y.z", None), through("g.bob"));
    assert_eq!(found(&routes, "g.bob.savings", None), through("g.bob.savings"));
    assert_eq!(found(&routes, "g.bob.savings.1", None), through("g.bob.savings"));
    assert_eq!(found(&routes, "g.bobby", None), Found::Nothing);
    assert_eq!(found(&routes, "g.bo", None), Found::Nothing);
    assert_eq!(found(&routes, "test.bob", None), Found::Nothing);
}

#[test]
fn prefixes_of_any_depth_are_found_however_deep_the_others_are() {
    let routes = Routes::new();
    let prefix = |depth: usize| format!("g{}", ".a".repeat(depth - 1));
    let depths = [1, 2, 15, 16, 17, 40];
    let peers = depths.map(|depth| peer(&format!("g.peer{depth}")));
    for (depth, peer) in depths.iter().zip(&peers) {
        routes.add([prefix(*depth).as_str()].into_iter(), peer);
    }
    // The deepest one goes each time, and what is left takes what it had.
    for last in (0..depths.len()).rev() {
        for depth in 2..60 {
            let nearest = depths[..=last].iter().rev().find(|known| **known <= depth);
            let nearest = *nearest.expect("the bare scheme");
            let expected = Found::Through(format!("g.peer{nearest}"), prefix(nearest).len());
            assert_eq!(found(&routes, &prefix(depth), None), expected);
        }
        routes.remove([prefix(depths[last]).as_str()].into_iter(), &peers[last]);
    }
    assert_eq!(found(&routes, &prefix(40), None), Found::Nothing);
}

#[test]
fn a_bare_scheme_is_a_default_route() {
    let routes = Routes::new();
    routes.add(["g"].into_iter(), &peer("g.parent"));
    assert_eq!(found(&routes, "g.x.y", None), Found::Through("g.parent".to_owned(), 1));
}

#[test]
fn the_empty_prefix_comes_after_a_bare_scheme() {
    let routes = Routes::new();
    routes.add([""].into_iter(), &peer("g.default"));
    let default = Found::Through("g.default".to_owned(), 0);
    assert_eq!(found(&routes, "g.x.y", None), default);
    assert_eq!(found(&routes, "test.x", None), default);
    routes.add(["g"].into_iter(), &peer("g.parent"));
    assert_eq!(found(&routes, "g.x.y", None), Found::Through("g.parent".to_owned(), 1));
    assert_eq!(found(&routes, "test.x", None), default);
}

#[test]
fn an_open_breaker_lets_the_next_peer_in_and_one_packet_tries_after_the_pause() {
    let routes = Routes::new();
    let peers: Vec<_> = ["g.one", "g.two", "g.three"].map(peer).into();
    for peer in &peers {
        routes.add(["g.shared"].into_iter(), peer);
    }
    let at = |ms| now().saturating_add_ms(ms);
    let destination = address("g.shared.x");
    let choice = |ms| match routes.find(destination.as_addr(), Seeker::default(), at(ms)) {
        Found::Through(chosen, _) => chosen.peer,
        other => panic!("{other:?}"),
    };
    let sent = |ms| {
        let peer = choice(ms);
        peer.breaker.begin(at(ms));
        peer.id
    };
    let open_at = |ms, peer: &Peer| {
        for _ in 0..3 {
            peer.breaker.failed(at(ms));
        }
    };
    let first = choice(0);
    open_at(0, &first);
    let second = choice(0);
    assert_ne!(first.id, second.id);
    open_at(0, &second);
    let third = choice(0);
    assert!(third.id != first.id && third.id != second.id);
    assert_eq!(choice(499).id, third.id);
    // The pause is over: one packet each tries the two, in their order.
    assert_eq!([choice(500).id, sent(500)], [first.id; 2], "looking is no try");
    assert_eq!([sent(500), sent(500)], [second.id, third.id]);
    open_at(501, &third);
    assert_eq!(choice(501).id, first.id, "all are open, which is as if none were");
    second.breaker.answered(at(502));
    assert_eq!(choice(502).id, second.id);
    first.breaker.answered(at(503));
    assert_eq!(choice(503).id, first.id, "back to where the destination belongs");
}

#[test]
fn each_peer_is_tried_once_and_the_only_one_whatever_its_breaker_says() {
    let routes = Routes::new();
    let (one, two) = (peer("g.one"), peer("g.two"));
    routes.add(["g.shared"].into_iter(), &one);
    for _ in 0..3 {
        one.breaker.failed(now());
    }
    let destination = address("g.shared.x");
    let find = |tried: &[Uuid]| {
        let seeker = Seeker { tried, ..Seeker::default() };
        match routes.find(destination.as_addr(), seeker, now()) {
            Found::Through(chosen, _) => Some(chosen.peer.id),
            Found::BackToSender => None,
            Found::Nothing => panic!("there is a route"),
        }
    };
    assert_eq!(find(&[]), Some(one.id));
    assert_eq!(find(&[one.id]), None);
    routes.add(["g.shared"].into_iter(), &two);
    assert_eq!(find(&[one.id]), Some(two.id));
    assert_eq!(find(&[one.id, two.id]), None);
}

#[test]
fn the_sender_is_never_the_next_hop() {
    let routes = Routes::new();
    let (one, two) = (peer("g.one"), peer("g.two"));
    routes.add(["g.shared"].into_iter(), &one);
    assert_eq!(found(&routes, "g.shared.x", Some(&one)), Found::BackToSender);
    routes.add(["g.shared"].into_iter(), &two);
    for index in 0..64 {
        let destination = format!("g.shared.{index}");
        let expected = Found::Through("g.two".to_owned(), "g.shared".len());
        assert_eq!(found(&routes, &destination, Some(&one)), expected);
    }
}

/// Returns the peers that one packet is offered to, in their order.
fn offered(routes: &Routes, destination: &str, mut seeker: Seeker<'_>) -> Vec<Uuid> {
    let (destination, mut offered) = (address(destination), Vec::new());
    loop {
        let Found::Through(Chosen { peer, order }, _) =
            routes.find(destination.as_addr(), seeker, now())
        else {
            return offered;
        };
        offered.push(peer.id);
        seeker.after = Some(order);
    }
}

#[test]
fn peers_of_the_packets_asset_come_first_and_each_is_offered_it_once() {
    let (routes, euro) = (Routes::new(), asset("EUR"));
    let names = ["g.one", "g.two", "g.three", "g.four", "g.five"];
    let peers: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let asset = if index < 2 { Arc::clone(&euro) } else { asset("USD") };
            peer_with(terms(name), asset, 0)
        })
        .collect();
    peers.iter().for_each(|peer| routes.add(["g.shared"].into_iter(), peer));
    let in_euros = [peers[0].id, peers[1].id];
    let seeker = Seeker { asset: Some(&euro), ..Seeker::default() };
    let mut first = std::collections::BTreeSet::new();
    for index in 0..64 {
        let destination = format!("g.shared.{index}");
        let offered = offered(&routes, &destination, seeker);
        assert!(in_euros.contains(&offered[0]) && in_euros.contains(&offered[1]));
        let unlike: std::collections::BTreeSet<_> = offered.iter().collect();
        assert_eq!((offered.len(), unlike.len()), (5, 5), "each once");
        first.insert(offered[0]);
    }
    assert_eq!(first.len(), 2, "within a class the destination decides");
    // Peers that can't be reached come after all that can, and among them those of the asset come
    // first.
    for _ in 0..3 {
        peers[0].breaker.failed(now());
    }
    for _ in 0..3 {
        peers[4].breaker.failed(now());
    }
    let offered = offered(&routes, "g.shared.x", seeker);
    assert_eq!((offered[0], offered[3], offered[4]), (peers[1].id, peers[0].id, peers[4].id));
}

#[test]
fn a_peering_with_the_sending_neighbour_is_never_the_next_hop() {
    let routes = Routes::new();
    let in_dollars = peer("g.bob");
    let in_euros = peer_with(terms("g.bob"), asset("EUR"), 0);
    let other = peer("g.other");
    for peer in [&in_dollars, &in_euros] {
        routes.add(["g.bob", "g.far"].into_iter(), peer);
    }
    routes.add(["g.far"].into_iter(), &other);
    for sender in [&in_dollars, &in_euros] {
        let seeker = Seeker { sender: Some(sender), ..Seeker::default() };
        assert!(offered(&routes, "g.bob.x", seeker).is_empty());
        assert_eq!(offered(&routes, "g.far.x", seeker), [other.id]);
    }
    let seeker = Seeker { sender: Some(&other), ..Seeker::default() };
    assert_eq!(offered(&routes, "g.far.x", seeker).len(), 2);
}

#[test]
fn one_destination_stays_on_one_path_and_many_spread() {
    let routes = Routes::new();
    let peers: Vec<_> = ["g.one", "g.two", "g.three"].map(peer).into();
    for peer in &peers {
        routes.add(["g.shared"].into_iter(), peer);
    }
    let choice = |index: usize| found(&routes, &format!("g.shared.{index}"), None);
    let before: Vec<_> = (0..300).map(choice).collect();
    assert_eq!(before, (0..300).map(choice).collect::<Vec<_>>());
    for peer in &peers {
        let name = peer.terms().address.as_str().to_owned();
        let count =
            before.iter().filter(|found| matches!(found, Found::Through(n, _) if *n == name));
        assert!(count.count() > 50, "{name} carries its share");
    }
    // Taking one away moves its own destinations only.
    routes.remove(["g.shared"].into_iter(), &peers[0]);
    for (index, old) in before.iter().enumerate() {
        if !matches!(old, Found::Through(name, _) if name == "g.one") {
            assert_eq!(&choice(index), old);
        }
    }
    for peer in &peers {
        routes.remove(["g.shared"].into_iter(), peer);
    }
    assert_eq!(choice(0), Found::Nothing);
}

proptest! {
    /// The table against the definition: of all prefixes that match by segment, the longest.
    #[test]
    fn finds_what_the_definition_says(
        prefixes in prop::collection::btree_set("g(\\.[ab]{1,2}){0,4}", 1..20),
        destination in "g(\\.[ab]{1,2}){1,6}",
    ) {
        let routes = Routes::new();
        for prefix in &prefixes {
            routes.add([prefix.as_str()].into_iter(), &peer("g.peer"));
        }
        let destination: Address = destination.as_str().try_into().expect("an address");
        let longest = prefixes
            .iter()
            .filter(|prefix| destination.starts_with_segments(prefix))
            .map(String::len)
            .max();
        let found = match routes.find(destination.as_addr(), Seeker::default(), now()) {
            Found::Through(_, bytes) => Some(bytes),
            _ => None,
        };
        prop_assert_eq!(found, longest);
    }

    /// Compares with the definition while peers come and go, in any order, under prefixes that they
    /// share.
    #[test]
    fn finds_what_the_definition_says_after_any_changes(
        changes in prop::collection::vec(("(g(\\.[ab]){0,3})?", 0..3usize, any::<bool>()), 1..60),
        destinations in prop::collection::vec("g(\\.[ab]){1,5}", 1..8),
    ) {
        let (routes, peers) = (Routes::new(), ["g.one", "g.two", "g.three"].map(peer));
        let mut naive = std::collections::BTreeSet::new();
        for (prefix, index, is_added) in &changes {
            let prefixes = [prefix.as_str()].into_iter();
            if *is_added {
                routes.add(prefixes, &peers[*index]);
                naive.insert((prefix.clone(), peers[*index].id));
            } else {
                routes.remove(prefixes, &peers[*index]);
                naive.remove(&(prefix.clone(), peers[*index].id));
            }
            for destination in &destinations {
                let destination = address(destination);
                let matches = |prefix: &str| {
                    prefix.is_empty() || destination.starts_with_segments(prefix)
                };
                let longest =
                    naive.iter().map(|(prefix, _)| prefix).filter(|prefix| matches(prefix)).max_by_key(|p| p.len());
                match routes.find(destination.as_addr(), Seeker::default(), now()) {
                    Found::Through(Chosen { peer, .. }, bytes) => {
                        let longest = longest.map(String::as_str).unwrap_or("none");
                        prop_assert_eq!(bytes, longest.len());
                        prop_assert!(naive.contains(&(longest.to_owned(), peer.id)));
                    }
                    _ => prop_assert_eq!(longest, None),
                }
            }
        }
    }
}
