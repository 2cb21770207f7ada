'use strict';

window.Report.start();
