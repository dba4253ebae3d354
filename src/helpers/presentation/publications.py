"""Short names of registered publications for cells of tables; their full titles stand in the block of sources."""

from helpers.presentation.wording.terms import pick

NAMES = {
    "SEED0": ("Коммерсантъ, 2023, перевод", "Kommersant, 2023, translation"),
    "SEED1": ("Сосновские новости, 2024", "Sosnovskie Novosti, 2024"),
    "SEED2": ("MIL-OSI, март 2024", "MIL-OSI, March 2024"),
    "SEED3": ("Заметка о кураторах, 2025", "Note on curators, 2025"),
    "SEED4": ("Заметка о Камчатке, 2025", "Note on Kamchatka, 2025"),
    "KOMM_2023_EXPRESS": ("Коммерсантъ, 2023", "Kommersant, 2023"),
    "BUJET_2023_LS": ("Бюджет.ру, 2023", "Bujet.ru, 2023"),
    "TASS_2024_LS": ("ТАСС, 2024", "TASS, 2024"),
    "RU24_2024": ("Ru24.pro, 2025", "Ru24.pro, 2025"),
    "RIA_2025_MFC": ("РИА Новости, 2025", "RIA Novosti, 2025"),
    "KOMM_2025_LS": ("Коммерсантъ, 2025", "Kommersant, 2025"),
    "ZIMA_LS": ("Zimaevents", "Zimaevents"),
    "LS_59I": ("59i.ru", "59i.ru"),
    "PENZA_2015": ("ПензаИнформ, 2015", "PenzaInform, 2015"),
    "NIASAM_2023Q1": ("НИА-Самара, 2025", "NIA-Samara, 2025"),
    "MILOSI_2023Q3": ("MIL-OSI, декабрь 2023", "MIL-OSI, December 2023"),
    "VOLGA_2025Q2": ("Волга Ньюс, 2025", "Volga News, 2025"),
    "FRYAZINO_2018Q4": ("МФЦ Фрязино", "MFC of Fryazino"),
    "MINEC_2017Q2": ("Минэкономразвития, 2017", "Ministry of Economic Development, 2017"),
    "KALM_2017Q2": ("ГТРК Калмыкия, 2017", "GTRK Kalmykia, 2017"),
    "KIROV_2022": ("kirov-news.net, 2023", "kirov-news.net, 2023"),
    "PERM_2022": ("krsk.dixinews.ru, 2022", "krsk.dixinews.ru, 2022"),
    "NEWREG_2023": ("Заметка о новых регионах, 2023", "Note on new regions, 2023"),
    "RIAMO_2025": ("РИАМО, 2025", "RIAMO, 2025"),
    "RIA_2018_MO": ("РИА Новости, 2018", "RIA Novosti, 2018"),
    "EGOR_2019": ("inegorievsk.ru, 2019", "inegorievsk.ru, 2019"),
    "TASS_2026_MFC": ("ТАСС, 2026", "TASS, 2026"),
    "LUDD_MOSCOW": ("Luddpress", "Luddpress"),
    "INTERFAX_2016_SAT": ("Интерфакс, 2016", "Interfax, 2016"),
    "RG_2012_SAT": ("Российская газета, 2012", "Rossiyskaya Gazeta, 2012"),
    "PERVO_2012_SAT": ("pervouralsk.ru, 2012", "pervouralsk.ru, 2012"),
    "RG_2017_MFC": ("Российская газета, 2017", "Rossiyskaya Gazeta, 2017"),
    "KOMM_2025_MFC": ("Коммерсантъ, ноябрь 2025", "Kommersant, November 2025"),
    "IZH_2014": ("izhevsk-news.net, 2014", "izhevsk-news.net, 2014"),
    "BUJET_VK": ("Бюджет.ру", "Bujet.ru"),
    "VYKSA": ("Выксунский рабочий", "Vyksunsky Rabochiy"),
    "SAKH_2024": ("Sakh.online, 2024", "Sakh.online, 2024"),
    "STD_BIZ": ("Стандарт «Государство для бизнеса»", "Standard for business, 2022"),
    "PP923": ("Постановление № 923, 2025", "Government decree 923, 2025"),
    "PP882": ("Постановление № 882, 2025", "Government decree 882, 2025"),
    "GFP_EN": ("Сайт федерального проекта", "Site of the federal project"),
}


def name(source_id: str, lang: str) -> str:
    """Short name of a publication; files and unknown publications keep their key."""
    return pick(NAMES[source_id], lang) if source_id in NAMES else source_id
