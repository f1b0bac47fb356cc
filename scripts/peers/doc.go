// Package peers runs other people's LTI software for tests: three signers of LTI 1.1 launches, an LTI 1.3 platform on
// jose, two grade books, and, through browsertest, Chromium and Firefox. The programs beside this file say how each is called.
// scripts/test-deps installs what they need.
package peers
