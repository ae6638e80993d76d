//! Pictures of every page for developers, in the folder that `JIRANI_PICTURES` names: at the width
//! of a desk and of a phone, light and dark. Without the variable none is made.

use std::{env, fs, path::PathBuf};

use data_encoding::BASE64;

use super::{Desk, driver::Scheme};

/// Width and height in pixels.
const SIZES: [(u32, u32); 2] = [(1280, 1000), (390, 844)];

pub(super) fn take(desk: &Desk, pages: &[String]) {
    let Some(folder) = env::var_os("JIRANI_PICTURES").map(PathBuf::from) else { return };
    for page in pages {
        desk.open(page);
        // The name leaves out the ids, which differ in each run.
        let parts = page.split('/').filter(|part| part.len() != 36 && !part.is_empty());
        let name = parts.collect::<Vec<_>>().join("-");
        let is_one = page.split('/').any(|part| part.len() == 36);
        let name = format!("{}{name}", if is_one { "one-" } else { "" });
        for (width, height) in SIZES {
            desk.driver.size(width, height);
            for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
                desk.driver.prefer(scheme);
                let picture = BASE64.decode(desk.driver.screenshot().as_bytes()).unwrap();
                fs::write(folder.join(format!("{name}-{width}-{word}.png")), picture).unwrap();
            }
        }
    }
    desk.driver.size(SIZES[0].0, SIZES[0].1);
    desk.driver.prefer(Scheme::Light);
}
