use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::PermissionsExt,
    thread,
};

use super::*;
use crate::{
    PeerRecord,
    index::Index,
    records::forms::keys::Kind,
    testing::{asset, fresh, open, peer},
};

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    let neighbour = peer(usd.id, "g.a", &["mytoken"]);
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    store.change(|tx| tx.insert_peer(&neighbour)).unwrap();
    store.change(|tx| tx.set_setting("tenant_id", b"42")).unwrap();
    let edited = store
        .change(|tx| tx.update_asset(usd.id, |asset| asset.withdrawal_threshold = Some(7)))
        .unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.asset(usd.id).unwrap(), Some(edited.clone()));
    assert_eq!(store.asset_by_code("USD", 9).unwrap(), Some(edited));
    assert_eq!(store.asset_by_code("USD", 2).unwrap(), None);
    let found = store.peer(neighbour.id).unwrap().unwrap();
    assert_eq!(found, neighbour);
    assert_eq!(found.terms.outgoing_token.reveal(), "theirtoken");
    assert_eq!(store.setting("tenant_id").unwrap().unwrap(), b"42");
    assert_eq!(store.setting("other").unwrap(), None);
}

#[test]
fn what_was_answered_survives_a_crash_right_after() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    for number in 0..40 {
        let mut large = peer(usd.id, &format!("g.p{number}"), &[&format!("t{number}")]);
        let route = |route| format!("g.p{number}.route.{route}").parse().unwrap();
        large.terms.routes = (0..1_800).map(route).collect();
        store.change(|tx| tx.insert_peer(&large)).unwrap();
    }
    // What a killed process leaves is what the files hold now; the store is still open.
    let copy = tempfile::tempdir().unwrap();
    copy_files(dir.path(), copy.path());
    assert_eq!(open(copy.path()).all_peers().filter(Result::is_ok).count(), 40);
}

#[test]
fn changes_made_at_once_are_all_on_the_disk_when_they_are_answered() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    thread::scope(|scope| {
        for thread in 0..8 {
            let (store, usd) = (&store, usd.id);
            scope.spawn(move || {
                for number in 0..20 {
                    let name = format!("g.p{thread}.n{number}");
                    store.change(|tx| tx.insert_peer(&peer(usd, &name, &[&name]))).unwrap();
                    assert!(store.peer_by_address_and_asset(&name, usd).unwrap().is_some());
                }
            });
        }
    });
    let copy = tempfile::tempdir().unwrap();
    copy_files(dir.path(), copy.path());
    assert_eq!(open(copy.path()).all_peers().filter(Result::is_ok).count(), 160);
    assert_eq!(store.batches(), 161);
}

#[test]
fn the_directory_is_made_for_its_owner_alone_and_opened_by_one() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/store");
    let store = open(&dir);
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    let second = Store::open(&dir).unwrap_err();
    assert!(matches!(second, StoreError::InUse { .. }), "{second}");
    assert!(second.to_string().contains("in use") && second.to_string().contains("a/store"));
    let third = store.clone();
    drop(store);
    assert!(matches!(Store::open(&dir), Err(StoreError::InUse { .. })));
    drop(third);
    open(&dir);

    let file = parent.path().join("file");
    fs::write(&file, "not a directory").unwrap();
    let refused = [Store::open(&file), Store::open(&file.join("below"))];
    for error in refused.map(Result::unwrap_err) {
        assert!(matches!(error, StoreError::Directory { .. }), "{error}");
        assert!(error.to_string().contains("file"));
    }
}

/// Returns the paths below a directory, each with the bits of its mode that give access to other
/// users.
fn open_to_others(dir: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o077;
        if mode != 0 {
            found.push((path.clone(), mode));
        }
        if metadata.is_dir() {
            found.extend(open_to_others(&path));
        }
    }
    found
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_others_may_read_is_closed_to_them() {
    let (dir, store) = fresh();
    store.change(|tx| tx.set_setting("a", b"b")).unwrap();
    assert_eq!(open_to_others(dir.path()), []);
    drop(store);
    set_mode(dir.path(), 0o755);
    set_mode(&dir.path().join("answered"), 0o644);
    set_mode(&dir.path().join("journal"), 0o755);
    let link = dir.path().join("link");
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    set_mode(elsewhere.path(), 0o644);
    std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
    let store = open(dir.path());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.path()), 0o700);
    assert_eq!(open_to_others(dir.path()), [(link, 0o077)], "a link's own mode means nothing");
    assert_eq!(mode(elsewhere.path()), 0o644, "what a link leads to is not the store's");
    drop(store);
}

#[test]
fn a_directory_that_others_may_write_to_is_refused() {
    for mode in [0o770, 0o702, 0o777, 0o1777] {
        let (dir, store) = fresh();
        drop(store);
        set_mode(dir.path(), mode);
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::NotPrivate { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(&format!("{mode:o}")) && text.contains("chmod 700"), "{text}");
        set_mode(dir.path(), 0o700);
        open(dir.path());
    }
}

#[test]
fn a_broken_record_is_named_and_its_secrets_are_not() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    let neighbour = peer(usd.id, "g.a", &["mytoken"]);
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    store.change(|tx| tx.insert_peer(&neighbour)).unwrap();
    let key = Kind::Peer.key(neighbour.id.as_bytes());
    let broken = br#"{"outgoing_token": 5, "endpoint": "theirtoken"#;
    store.change(|tx| tx.put_bytes(key, broken)).unwrap();
    let error = store.peer(neighbour.id).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("records/peers"), "{shown}");
    assert!(shown.contains(&neighbour.id.simple().to_string()), "{shown}");
    assert!(!shown.contains("theirtoken"), "{shown}");
    assert!(store.all_peers().next().unwrap().is_err());
    drop(store);
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Record { .. })));
}

#[test]
fn an_index_that_lacks_an_entry_is_put_aside_and_made_anew() {
    let usd = asset("USD");
    let neighbour = peer(usd.id, "g.a", &["mytoken"]);
    let row = Kind::Peer.key(neighbour.id.as_bytes());
    let by_token =
        crate::records::forms::keys::peer_by_token(&neighbour.terms.incoming_tokens[0].digest);
    for lost in [row, by_token, Kind::Asset.key(usd.id.as_bytes())] {
        let (dir, store) = fresh();
        store.change(|tx| tx.insert_asset(&usd)).unwrap();
        store.change(|tx| tx.insert_peer(&neighbour)).unwrap();
        drop(store);
        let index = Index::open(&dir.path().join("index")).unwrap();
        assert!(index.get(&lost).unwrap().is_some());
        index.damage(&lost, None);
        drop(index);
        let store = open(dir.path());
        assert!(dir.path().join("index.broken-1").exists());
        let peers: Vec<_> = store.all_peers().collect::<Result<_, _>>().unwrap();
        assert_eq!(peers, std::slice::from_ref(&neighbour));
        assert_eq!(store.asset(usd.id).unwrap().as_ref(), Some(&usd));
    }
}

/// Damages sled's own file in many ways. None of them costs more than a slower start.
#[test]
fn a_damaged_index_costs_no_record() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let peers: Vec<PeerRecord> = (0..30)
        .map(|number| peer(usd.id, &format!("g.p{number}"), &[&format!("t{number}")]))
        .collect();
    for peer in &peers {
        store.change(|tx| tx.insert_peer(peer)).unwrap();
    }
    drop(store);
    let length = fs::metadata(dir.path().join("index/db")).unwrap().len();
    let mut put_aside = 0;
    for trial in 0..60_u64 {
        let copy = tempfile::tempdir().unwrap();
        copy_files(dir.path(), copy.path());
        // A fixed scatter over the file, so that a failure can be run again.
        let place = trial.wrapping_mul(0x9e37_79b9_7f4a_7c15) % length;
        damage(&copy.path().join("index/db"), place, trial % 4);
        let store = open(copy.path());
        let found: Result<Vec<_>, _> = store.all_peers().collect();
        assert_eq!(found.unwrap(), peers, "trial {trial}");
        put_aside += u32::from(copy.path().join("index.broken-1").exists());
    }
    assert!(put_aside > 5, "little was damaged: {put_aside}");
}

fn damage(file: &Path, place: u64, how: u64) {
    let mut file = File::options().read(true).write(true).open(file).unwrap();
    if how == 0 {
        file.set_len(place).unwrap();
        return;
    }
    let mut bytes = vec![0; if how == 1 { 1 } else { 64 }];
    file.seek(SeekFrom::Start(place)).unwrap();
    let read = file.read(&mut bytes).unwrap();
    bytes.truncate(read);
    bytes.iter_mut().for_each(|byte| *byte = if how == 3 { 0 } else { !*byte });
    file.seek(SeekFrom::Start(place)).unwrap();
    file.write_all(&bytes).unwrap();
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_files(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_peers_of_the_start_are_given_once_and_never_when_one_has_changed_since() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let mut peers = ["g.a", "g.b", "g.c"].map(|address| peer(usd.id, address, &[address]));
    peers.iter().for_each(|peer| store.change(|tx| tx.insert_peer(peer)).unwrap());
    drop(store);
    let store = open(dir.path());
    assert!(store.inner.peers_at_start.lock().is_some());
    assert_eq!(store.take_peers().unwrap(), peers);
    assert!(store.inner.peers_at_start.lock().is_none());
    drop(store);
    let store = open(dir.path());
    peers[1] =
        store.change(|tx| tx.update_peer(peers[1].id, |peer| peer.terms.name = None)).unwrap();
    assert_eq!(store.take_peers().unwrap(), peers);
    assert_eq!(store.assets_of_peers().unwrap()[&peers[2].id], usd.id);
}
