// Asks our hook before each tool call; whatever keeps it from an answer is a no.
import { spawnSync } from "node:child_process"

const HOOK = "HOOK"
const ALLOWED = "ALLOWED"

// opencode 1.18 looks for plugins in the checkout also where its settings are switched off, and
// for packages that they name. What is no part of the program itself is empty from now on.
Bun.plugin({
  name: "nothing but the program",
  setup(build) {
    build.onLoad({ filter: /^\/(?!\$bunfs\/).*\.[cm]?[jt]sx?$/ }, () => ({ contents: "", loader: "js" }))
  },
})

export const Deny = async () => ({
  // Settings allow nothing. Only where this was loaded may tools be used at all.
  config: async (settings) => {
    settings.permission = ALLOWED
  },
  "tool.execute.before": async ({ tool }, { args }) => {
    const asked = spawnSync("/bin/sh", ["-c", HOOK], {
      input: JSON.stringify({ tool, input: args }),
      encoding: "utf8",
      timeout: 60_000,
    })
    if (asked.status !== 0) {
      const why = asked.stderr?.trim() || `it ended with ${asked.status ?? asked.error}`
      throw new Error(asked.status === 2 ? why : `Not run: the deny hook did not answer: ${why}`)
    }
  },
})
