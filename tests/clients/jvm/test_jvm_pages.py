"""The pages for the JVM, each as it stands."""

import pytest

import pages


@pytest.mark.parametrize("page", ["java", "dts-sdk", "flink"])
def test_a_page_does_what_it_says(page, served, scratch):
    pages.does_what_it_says(page, served, scratch)
