//! Questions on the terminal. They go to the standard error, so that a command's output can be
//! piped, and are asked only on an interactive terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use super::Failure;

/// Returns whether standard input and error are a terminal, so that a person can answer.
pub(crate) fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for confirmation, unless an option has given it.
///
/// # Errors
/// The input is not a terminal, or the answer is not yes.
pub(crate) fn confirm(question: &str, is_said: bool, json: bool) -> Result<(), Failure> {
    if is_said {
        return Ok(());
    }
    if json || !somebody_is_there() {
        return Err(Failure::Usage(format!(
            "{question} Nobody is there to be asked: say --yes for yes"
        )));
    }
    let mut dialogue = Dialogue { input: io::stdin().lock(), output: io::stderr() };
    let answer = dialogue.ask(&format!("{question} [y/N] "))?;
    if answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes") {
        return Ok(());
    }
    Err(Failure::Refused("nothing was done".to_owned()))
}

/// A dialogue with a person, line by line.
pub(crate) struct Dialogue<Input, Output> {
    pub(crate) input: Input,
    pub(crate) output: Output,
}

impl<Input: BufRead, Output: Write> Dialogue<Input, Output> {
    /// Asks for a line, and returns it trimmed.
    pub(crate) fn ask(&mut self, question: &str) -> Result<String, Failure> {
        self.tell(question)?;
        let mut line = String::new();
        let read = self.input.read_line(&mut line);
        match read {
            Ok(0) => Err(Failure::Refused("nothing was done: the answers ended".to_owned())),
            Ok(_) => Ok(line.trim().to_owned()),
            Err(error) => Err(Failure::Refused(format!("the answer can't be read: {error}"))),
        }
    }

    /// Asks until `read` accepts the answer. An empty line gives the default.
    pub(crate) fn ask_until<T>(
        &mut self,
        question: &str,
        mut read: impl FnMut(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        loop {
            let answer = self.ask(question)?;
            match read(&answer) {
                Ok(value) => return Ok(value),
                Err(why) => self.tell(&format!("  {why}\n"))?,
            }
        }
    }

    /// Prints a text.
    pub(crate) fn tell(&mut self, text: &str) -> Result<(), Failure> {
        let told = self.output.write_all(text.as_bytes()).and_then(|()| self.output.flush());
        told.map_err(|error| Failure::Refused(format!("the question can't be asked: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_is_explained_and_asked_again() {
        let mut output = Vec::new();
        let mut dialogue = Dialogue { input: &b"x\n 7 \n"[..], output: &mut output };
        let read = |text: &str| text.parse::<u8>().map_err(|_| format!("{text} is no number"));
        assert_eq!(dialogue.ask_until("how many? ", read).unwrap(), 7);
        let ended = dialogue.ask("and now? ").unwrap_err();
        assert!(ended.to_string().contains("the answers ended"));
        let said = String::from_utf8(output).unwrap();
        assert_eq!(said, "how many?   x is no number\nhow many? and now? ");
    }

    #[test]
    fn nobody_is_asked_where_nobody_can_answer() {
        assert!(confirm("Remove it?", true, false).is_ok());
        let refused = confirm("Remove it?", false, true).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        assert!(refused.to_string().contains("--yes"), "{refused}");
    }
}
