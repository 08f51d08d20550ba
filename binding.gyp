{
  "targets": [
    {
      "target_name": "uncached_io",
      "conditions": [
        ["OS=='linux'", {
          "sources": [
            "native/addon.cc",
            "native/alignment_guard.cc",
            "native/cache_bypass.cc",
            "native/completions.cc",
            "native/descriptor.cc",
            "native/environment.cc",
            "native/errors.cc",
            "native/file.cc",
            "native/lock.cc",
            "native/memory.cc",
            "native/ownership.cc",
            "native/page_cache.cc",
            "native/pipe.cc",
            "native/range.cc",
            "native/ring.cc",
            "native/seek.cc",
            "native/store_costs.cc",
            "native/stream_copy.cc",
            "native/thread_pool.cc",
            "native/thread_queue.cc",
            "native/uring_queue.cc"
          ],
          "dependencies": ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except"],
          "defines": [
            "NAPI_VERSION=9",
            "_FILE_OFFSET_BITS=64",
            # Without it an error thrown while a worker is being terminated ends the whole process.
            "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
          ],
          "cflags_cc": ["-std=c++17", "-Wall", "-Wextra", "-fvisibility=hidden"],
          # The C++ library is ours alone: neither taken from Node's binary nor shown to other addons.
          "ldflags": ["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL"]
        }, {
          "type": "none"
        }]
      ]
    }
  ]
}
