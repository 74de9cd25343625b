/* olmix web df687a9475ebbf868289db9bfe73faf0e1d568023e2c22172318533c3753b81f of build.mjs package-lock.json src/report/main.tsx tsconfig.json */
"use strict";(()=>{})();
