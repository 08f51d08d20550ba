{
  "targets": [
    {
      "target_name": "uncached_io",
      "conditions": [
        ["OS=='linux'", {
          "sources": [
            "native/addon.cc",
            "native/completions.cc",
            "native/environment.cc",
            "native/errors.cc",
            "native/file.cc",
            "native/page_cache.cc",
            "native/thread_pool.cc",
            "native/thread_queue.cc"
          ],
          "dependencies": ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except"],
          "defines": ["NAPI_VERSION=9", "_FILE_OFFSET_BITS=64"],
          "cflags_cc": ["-std=c++17", "-Wall", "-Wextra", "-fvisibility=hidden"],
          "ldflags": ["-static-libstdc++", "-static-libgcc"]
        }, {
          "type": "none"
        }]
      ]
    }
  ]
}
