/* Made by web/src/explore/. */
