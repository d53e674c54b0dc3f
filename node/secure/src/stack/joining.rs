//! Joins of secure groups: a machine is made of the charter's modules.

use super::{Output, Seat, SecureJoin, Stack, StackError};
use crate::charter::{Charter, Choice};
use crate::member::{Instances, Means, Member};
use crate::words::{Occasion, Words};
use cenacle_core::{Error as Refused, GroupName, Input, Join, MemberId, Semantics, Time};
use std::collections::VecDeque;
use std::sync::Arc;

impl Stack {
    /// Joins a secure group.
    pub fn join(
        &mut self,
        now: Time,
        join: SecureJoin,
        out: &mut Vec<Output>,
    ) -> Result<(), StackError> {
        if self.stopping {
            return Err(Refused::Stopping.into());
        }
        let group: GroupName = join.charter.group.parse()?;
        let instances = self.instances(&join.charter)?;
        let me = MemberId { node: self.node, local: join.local };
        let mut member = Member::new(
            &join.charter,
            group.clone(),
            me,
            instances,
            Means {
                signer: Arc::clone(&self.signer),
                seed: self.entropy.draw(),
                patience: self.patience,
                #[cfg(feature = "defects")]
                defect: self.defect,
            },
            join.manual_flush,
        );
        member.count_from(self.numbers.take(join.local));
        let words = Words {
            share: member.first_offer(now),
            evidence: join.evidence.to_vec(),
            above: join.above,
            ..Words::default()
        };
        let wish = Join {
            group: group.clone(),
            local: join.local,
            semantics: Semantics::Vs,
            charter: join.charter.encode().into(),
            blob: words.say(&self.signer, &group, &me, Occasion::Join),
            // The machine answers, in the application's name or in its own.
            manual_flush: true,
        };
        if let Err(error) = self.engine.handle(now, Input::Join(wish), &mut self.engine_out) {
            self.numbers.keep(join.local, member.counted());
            return Err(error.into());
        }
        let seat = Seat { member, backlog: VecDeque::new(), blocked: false };
        self.seats.insert((group, join.local), seat);
        self.work_off(now, out);
        Ok(())
    }

    fn instances(&self, charter: &Charter) -> Result<Instances, StackError> {
        let failed = |kind: &str, choice: &Choice, why: String| StackError::Module {
            group: charter.group.clone(),
            detail: format!("{kind} {:?}: {why}", choice.name),
        };
        let missing = || "there is no such module here: install it, or choose another".to_owned();
        let choice = &charter.key_agreement;
        let fail = |why| failed("key agreement", choice, why);
        let module = self.modules.key_agreement(&choice.name).ok_or_else(|| fail(missing()))?;
        let options = choice.options(module.descriptor()).map_err(|e| fail(e.to_string()))?;
        let key_agreement = module
            .create(&options, Arc::clone(&self.executor))
            .map_err(|error| fail(error.to_string()))?;
        let choice = &charter.cipher;
        let fail = |why| failed("cipher", choice, why);
        let module = self.modules.cipher(&choice.name).ok_or_else(|| fail(missing()))?;
        let options = choice.options(module.descriptor()).map_err(|e| fail(e.to_string()))?;
        let cipher = module.create(&options).map_err(|error| fail(error.to_string()))?;
        let cipher_properties = module.descriptor().properties.clone();
        let choice = &charter.policy;
        let fail = |why| failed("policy", choice, why);
        let module = self.modules.policy(&choice.name).ok_or_else(|| fail(missing()))?;
        let options = choice.options(module.descriptor()).map_err(|e| fail(e.to_string()))?;
        let policy = module.create(&options).map_err(|error| fail(error.to_string()))?;
        Ok(Instances { key_agreement, cipher, cipher_properties, policy })
    }
}
