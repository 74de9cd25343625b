/** The script of `report.html`: what the page can do where scripts run. Without scripts, the page is complete as it stands. */
