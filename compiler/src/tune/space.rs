//! The candidates of a spec: every schedule that may be the best.
//!
//! They are all combinations of the values that templates list behind `// tune:`. Left out are combinations that [`link`] refuses (constant
//! assertions, limits of every device), those that cannot be good on any device, and repetitions. There may be hundreds, and measuring
//! takes time. Then only the combinations are kept that differ least from the default, or from the values in another template's own text,
//! since those were chosen with care. Each template has its share.

use crate::link::{Linked, link};
use crate::op::Spec;
use crate::parallel::each;
use crate::schedule::Schedule;
use crate::{Error, template};
use std::collections::{HashMap, HashSet};
use tegula_edit::{Kind, tokens};
use tegula_plan::Requires;

/// The most candidates of a spec.
pub const MAX_CANDIDATES: usize = 96;

/// Fewer invocations than this leave part of a subgroup idle on most devices.
const LEAST_INVOCATIONS: u32 = 32;

/// Combinations of a template that are looked at: a guard against templates with very many tunables.
const MAX_POINTS: usize = 1 << 16;

/// A schedule and the kernel that it makes.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// How.
    pub schedule: Schedule,
    /// With which text.
    pub linked: Linked,
}

/// The candidates of a spec, the default first, then those of its templates in turn, by how much they differ from the values chosen there. The
/// same for the same input.
///
/// # Errors
/// Those of [`link`] for the default schedule. Other schedules that cannot be linked are no candidates.
pub fn candidates(spec: &Spec, requires: &Requires) -> Result<Vec<Candidate>, Error> {
    let default = spec.default_schedule(requires);
    let linked = link(spec, requires, &default)?;
    let mut seen = HashSet::from([essence(&linked.text)]);
    let mut found = vec![Candidate { schedule: default.clone(), linked }];
    let mut points = Vec::new();
    for template in templates(default.template) {
        let mut own = product(template, &default)?;
        // Stable: values in the order of the template.
        own.sort_by_key(|(distance, _)| *distance);
        points.extend(own.into_iter().enumerate().map(|(turn, (_, schedule))| (turn, schedule)));
    }
    // Stable: templates in order of name.
    points.sort_by_key(|(turn, _)| *turn);
    // Linking takes most of the time, and many points are not legal: as many as may be needed are linked side by side.
    for part in points.chunks(MAX_CANDIDATES) {
        let linked = each(part.len(), |index| link(spec, requires, &part[index].1).ok().map(|linked| (essence(&linked.text), linked)));
        for ((_, schedule), linked) in part.iter().zip(linked) {
            let Some((essence, linked)) = linked else { continue };
            if found.len() < MAX_CANDIDATES && linked.invocations >= LEAST_INVOCATIONS && seen.insert(essence) {
                found.push(Candidate { schedule: schedule.clone(), linked });
            }
        }
        if found.len() == MAX_CANDIDATES {
            break;
        }
    }
    Ok(found)
}

/// Whether there is anything to choose for a spec, as far as its templates say.
#[must_use]
pub fn is_open(spec: &Spec) -> bool {
    templates(spec.default_schedule(&Requires::default()).template)
        .any(|name| template::tunables(name).is_ok_and(|tunables| !tunables.is_empty()))
}

/// Templates that compute what `default` does: itself, and those that extend its name, as `matmul/tile_matrix` extends `matmul/tile`.
fn templates(default: &'static str) -> impl Iterator<Item = &'static str> {
    let extends = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('_'));
    template::entries().into_iter().filter(move |name| *name == default || extends(name, default) || extends(default, name))
}

/// Every schedule of a template, with how many steps its values are away from the default's.
fn product(template: &'static str, default: &Schedule) -> Result<Vec<(usize, Schedule)>, Error> {
    let mut points = vec![(0, Vec::new())];
    for (name, values) in template::tunables(template)? {
        let (name, mut values) = (*name, values.clone());
        let chosen = default.values.iter().find(|(other, _)| template == default.template && *other == name).map(|(_, value)| *value);
        let usual = chosen.or(template::constant(template, name)?);
        values.extend(usual);
        values.sort_unstable();
        values.dedup();
        let at = |value: Option<u32>| value.and_then(|value| values.binary_search(&value).ok()).unwrap_or(0);
        let moved = |value: u32| at(Some(value)).abs_diff(at(usual));
        points = points
            .iter()
            .flat_map(|(distance, pairs): &(usize, Vec<(&'static str, u32)>)| {
                let extend = |value: &u32| (distance + moved(*value), [&pairs[..], &[(name, *value)]].concat());
                values.iter().map(extend).collect::<Vec<_>>()
            })
            .take(MAX_POINTS)
            .collect();
    }
    Ok(points.into_iter().map(|(distance, values)| (distance, Schedule { template, values })).collect())
}

/// A text without constants that nothing mentions: tunables that a format has no use for make no difference.
fn essence(text: &str) -> String {
    let all = tokens(text);
    let mut left = vec![true; all.len()];
    loop {
        let mut words = HashMap::<&str, usize>::new();
        for (token, _) in all.iter().zip(&left).filter(|(token, left)| **left && token.kind == Kind::Word) {
            *words.entry(token.text).or_default() += 1;
        }
        let mut found = false;
        for start in (0..all.len()).filter(|&start| all[start].is("const")) {
            let unused = all.get(start + 1).is_some_and(|name| name.text != "BLOCK" && words.get(name.text) == Some(&1));
            if left[start] && unused {
                let end = (start..all.len()).find(|&end| all[end].is(";")).map_or(all.len(), |end| end + 1);
                left[start..end].fill(false);
                found = true;
            }
        }
        if !found {
            let kept = all.iter().zip(left).filter(|(_, left)| *left).map(|(token, _)| token.text);
            return kept.collect::<Vec<_>>().join(" ");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{F16, F32, Q4F16, Storage};
    use crate::graph::Act;
    use crate::op::Rows;
    use crate::op::argmax::ArgMax;
    use crate::op::attention::Attention;
    use crate::op::embed::Embed;
    use crate::op::heads::Heads;
    use crate::op::matmul::{Input, Matmul, Output};
    use crate::op::quantize::Quantize;
    use tegula_plan::Dtype;

    fn matmul(format: Storage, rows: Rows) -> Spec {
        Spec::from(Matmul {
            n: 96,
            k: 128,
            format,
            bias: false,
            factor: 1.0,
            input: Input::Norm,
            eps: 1e-5,
            output: Output::Gated(Act::Silu),
            rows,
        })
    }

    fn specs() -> Vec<Spec> {
        let q4 = Q4F16;
        let heads = Heads { query: 4, kv: 2, dim: 32, cache: Dtype::F16 };
        vec![
            matmul(q4, Rows::One),
            matmul(F32, Rows::One),
            matmul(q4, Rows::Many),
            Spec::from(Matmul {
                n: 96,
                k: 128,
                format: q4,
                bias: true,
                factor: 1.0,
                input: Input::Int8,
                eps: 0.0,
                output: Output::Residual,
                rows: Rows::Many,
            }),
            Spec::from(Quantize { width: 128, norm: Some(1e-5) }),
            Spec::from(Attention { heads, scale: 0.3, softcap: None, window: None, pages_per_sequence: 4, split: true, rows: Rows::One }),
            Spec::from(ArgMax::Parts { vocab: 361, rows: Rows::One }),
        ]
    }

    #[test]
    fn spaces_are_legal_distinct_and_begin_with_the_default() {
        for requires in [Requires::default(), Requires { subgroups: true, f16: false, matrix: false }] {
            for spec in specs() {
                let all = candidates(&spec, &requires).unwrap();
                assert_eq!(all[0].schedule, spec.default_schedule(&requires));
                assert!((2..=MAX_CANDIDATES).contains(&all.len()) && is_open(&spec), "{}: {}", spec.key(), all.len());
                for candidate in &all {
                    assert_eq!(link(&spec, &requires, &candidate.schedule).unwrap(), candidate.linked);
                }
                let texts: HashSet<&str> = all.iter().map(|candidate| candidate.linked.text.as_str()).collect();
                assert_eq!(texts.len(), all.len());
            }
        }
    }

    #[test]
    fn spaces_are_the_same_every_time() {
        for spec in specs() {
            let names = || candidates(&spec, &Requires::default()).unwrap().into_iter().map(|candidate| candidate.linked.name);
            assert!(names().eq(names()));
        }
    }

    #[test]
    fn what_has_no_tunables_is_not_open() {
        let embed = Spec::from(Embed { n: 50, k: 172, format: F16, angles: None, scale: 1.0 });
        assert!(!is_open(&embed));
        assert_eq!(candidates(&embed, &Requires::default()).unwrap().len(), 1);
    }

    #[test]
    fn constants_without_use_make_no_candidate() {
        assert_eq!(essence("const A: u32 = 1u;\nconst B: u32 = A;\nconst C: u32 = 2u;\nx = C;"), "const C : u32 = 2u ; x = C ;");
        assert_ne!(essence("const A: u32 = 1u;\nx = A;"), essence("const A: u32 = 2u;\nx = A;"));
    }
}
