/**
 * Ranges of keys with their owners, in a treap: a binary search tree by start and end that chance keeps flat, in which each node
 * knows the greatest end below it. So the owners of all ranges that overlap a given one are found in O(log n + found), and a
 * range comes or goes in O(log n). Equal ranges share a node.
 */
interface Node<Owner> {
  readonly start: string;
  readonly end: string;
  readonly owners: Set<Owner>;
  /** No node has a greater one than its parent. */
  readonly priority: number;
  /** The greatest end in this node and below. */
  greatestEnd: string;
  left: Node<Owner> | null;
  right: Node<Owner> | null;
}

type Tree<Owner> = Node<Owner> | null;

export class RangeTree<Owner> {
  #root: Tree<Owner> = null;

  add(start: string, end: string, owner: Owner): void {
    const found = find(this.#root, start, end);
    if (found === null) this.#root = insert(this.#root, newNode(start, end, owner));
    else found.owners.add(owner);
  }

  delete(start: string, end: string, owner: Owner): void {
    const found = find(this.#root, start, end);
    if (found === null || !found.owners.delete(owner) || found.owners.size > 0) return;
    this.#root = remove(this.#root, found);
  }

  /** Calls back with each owner of a range that has a key from `start` up to, not including, `end`; no `end` means the last. */
  overlapping(start: string, end: string | undefined, visit: (owner: Owner) => void): void {
    visitOverlapping(this.#root, start, end, visit);
  }
}

function newNode<Owner>(start: string, end: string, owner: Owner): Node<Owner> {
  const priority = Math.random();
  return { start, end, owners: new Set([owner]), priority, greatestEnd: end, left: null, right: null };
}

/** Whether a range comes before a node. */
function isBefore(start: string, end: string, node: Node<unknown>): boolean {
  return start < node.start || (start === node.start && end < node.end);
}

function find<Owner>(tree: Tree<Owner>, start: string, end: string): Tree<Owner> {
  let node = tree;
  while (node !== null && (node.start !== start || node.end !== end)) {
    node = isBefore(start, end, node) ? node.left : node.right;
  }
  return node;
}

function insert<Owner>(tree: Tree<Owner>, added: Node<Owner>): Node<Owner> {
  if (tree === null) return added;
  if (added.priority > tree.priority) {
    [added.left, added.right] = split(tree, added);
    return measured(added);
  }
  if (isBefore(added.start, added.end, tree)) tree.left = insert(tree.left, added);
  else tree.right = insert(tree.right, added);
  return measured(tree);
}

/** The nodes before and behind one that is not in the tree. */
function split<Owner>(tree: Tree<Owner>, at: Node<Owner>): [Tree<Owner>, Tree<Owner>] {
  if (tree === null) return [null, null];
  if (isBefore(at.start, at.end, tree)) {
    const [before, behind] = split(tree.left, at);
    tree.left = behind;
    return [before, measured(tree)];
  }
  const [before, behind] = split(tree.right, at);
  tree.right = before;
  return [measured(tree), behind];
}

function remove<Owner>(tree: Tree<Owner>, removed: Node<Owner>): Tree<Owner> {
  if (tree === null) return null;
  if (tree === removed) return join(tree.left, tree.right);
  if (isBefore(removed.start, removed.end, tree)) tree.left = remove(tree.left, removed);
  else tree.right = remove(tree.right, removed);
  return measured(tree);
}

/** One tree of two, all nodes of the first of which come before those of the second. */
function join<Owner>(before: Tree<Owner>, behind: Tree<Owner>): Tree<Owner> {
  if (before === null) return behind;
  if (behind === null) return before;
  if (before.priority > behind.priority) {
    before.right = join(before.right, behind);
    return measured(before);
  }
  behind.left = join(before, behind.left);
  return measured(behind);
}

function measured<Owner>(node: Node<Owner>): Node<Owner> {
  let greatest = node.end;
  if (node.left !== null && node.left.greatestEnd > greatest) greatest = node.left.greatestEnd;
  if (node.right !== null && node.right.greatestEnd > greatest) greatest = node.right.greatestEnd;
  node.greatestEnd = greatest;
  return node;
}

function visitOverlapping<Owner>(
  tree: Tree<Owner>,
  start: string,
  end: string | undefined,
  visit: (owner: Owner) => void,
): void {
  let node = tree;
  while (node !== null && node.greatestEnd > start) {
    visitOverlapping(node.left, start, end, visit);
    if (end !== undefined && node.start >= end) return;
    if (node.end > start) for (const owner of node.owners) visit(owner);
    node = node.right;
  }
}
