// What people type at kubectl, story by story. Expectations are what a Kubernetes API server answered to the same
// (testdata/kubectl-answers.json, written by `kubectl/differential.ts --record`), never what ours did.
import { applyingStories } from "./kubectl/applying-stories.ts";
import { changingStories } from "./kubectl/changing-stories.ts";
import { deletingStories } from "./kubectl/deleting-stories.ts";
import { discoveryStories } from "./kubectl/discovery-stories.ts";
import type { Story } from "./kubectl/invocation.ts";
import { readingStories } from "./kubectl/reading-stories.ts";

export const stories: readonly Story[] = [
  ...discoveryStories,
  ...readingStories,
  ...applyingStories,
  ...changingStories,
  ...deletingStories,
];
