//! In which order nodes run: each after those whose values it takes, and only those that lead to
//! what is wanted.

use std::collections::HashMap;

use super::damaged;
use super::model::{Graph, Node};
use super::node::describe;
use crate::error::Result;

/// Branches in branches that are looked into for names.
const MAX_DEPTH: usize = 8;

/// Indices of the nodes that lead to `wanted`, in an order in which they can run.
///
/// # Errors
///
/// [`Error::Damaged`](crate::Error::Damaged) if nodes wait for each other.
pub(crate) fn order<'a>(nodes: &[Node<'a>], wanted: &[&'a str]) -> Result<Vec<usize>> {
    let mut makers = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for &output in node.outputs.iter().filter(|name| !name.is_empty()) {
            makers.entry(output).or_insert(index);
        }
    }
    let dependencies = |node: &Node<'a>| -> Result<Vec<usize>> {
        let mut names = node.inputs.clone();
        captured(node, &mut names, MAX_DEPTH)?;
        Ok(names
            .iter()
            .filter_map(|name| makers.get(name).copied())
            .collect())
    };

    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Waiting,
        Placed,
    }
    let mut states = vec![State::New; nodes.len()];
    let mut order = Vec::new();
    // Nodes that wait, each with what it still waits for: a stack of its own, as files may be deep.
    let mut stack: Vec<(usize, Vec<usize>)> = Vec::new();
    for name in wanted {
        let Some(&last) = makers.get(name) else {
            continue;
        };
        if states[last] == State::New {
            states[last] = State::Waiting;
            stack.push((last, dependencies(&nodes[last])?));
        }
        while let Some((index, waits_for)) = stack.last_mut() {
            let index = *index;
            let Some(next) = waits_for.pop() else {
                states[index] = State::Placed;
                order.push(index);
                stack.pop();
                continue;
            };
            match states[next] {
                State::Placed => {}
                State::New => {
                    states[next] = State::Waiting;
                    stack.push((next, dependencies(&nodes[next])?));
                }
                State::Waiting => {
                    let name = describe(&nodes[next]);
                    return Err(damaged(format!("{name} waits for its own result")));
                }
            }
        }
    }
    Ok(order)
}

/// Adds the names that a node's branches take from outside.
fn captured<'a>(node: &Node<'a>, names: &mut Vec<&'a str>, depth: usize) -> Result<()> {
    if !matches!(node.op_type, "If" | "Loop" | "Scan") {
        return Ok(());
    }
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| damaged("branches lie too deep".into()))?;
    for attribute in &node.attributes {
        let graph = attribute
            .graph()
            .map_err(|error| damaged(error.to_string()))?;
        let Some(Graph { nodes, outputs, .. }) = graph else {
            continue;
        };
        names.extend(outputs.iter().map(|output| output.name));
        for node in &nodes {
            names.extend(&node.inputs);
            captured(node, names, depth)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(inputs: &[&'static str], outputs: &[&'static str]) -> Node<'static> {
        Node {
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
            ..Node::default()
        }
    }

    #[test]
    fn each_runs_after_what_it_takes_and_the_rest_not_at_all() {
        let nodes = [
            node(&["b", "c"], &["d"]),
            node(&["a"], &["b", ""]),
            node(&["d"], &["unused"]),
            node(&["b"], &["c"]),
        ];
        assert_eq!(order(&nodes, &["d"]), Ok(vec![1, 3, 0]));
        assert_eq!(order(&nodes, &["a"]), Ok(vec![]));
    }

    #[test]
    fn a_circle_is_refused() {
        let nodes = [node(&["b"], &["a"]), node(&["a"], &["b"])];
        assert!(
            order(&nodes, &["a"])
                .unwrap_err()
                .to_string()
                .contains("own result")
        );
        let nodes = [node(&["a"], &["a"])];
        assert!(order(&nodes, &["a"]).is_err());
    }

    #[test]
    fn a_hundred_thousand_nodes_in_a_row_need_no_deep_stack() {
        let names: Vec<&'static str> = (0..100_001)
            .map(|k| &*Box::leak(format!("{k}").into_boxed_str()))
            .collect();
        let nodes: Vec<_> = names
            .windows(2)
            .map(|pair| node(&[pair[0]], &[pair[1]]))
            .collect();
        assert_eq!(order(&nodes, &["100000"]).unwrap().len(), 100_000);
    }
}
